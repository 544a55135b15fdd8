/* Calls kernels for `llmcc-ctl bench`: one function times them, one compares what they do.
 * Compiled by gcc at run time into a shared library that Python loads.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <x86intrin.h>

typedef uint64_t kernel(const void *, const void *, void *, size_t, int64_t);

struct call {
    const void *a, *b;
    void *out;
    uint64_t n;
    int64_t k;
};

/* What a kernel's array is reset from before each timed pass; bytes is 0 when it writes nothing. */
struct restore {
    void *to;
    const void *from;
    uint64_t bytes;
};

static uint64_t run(kernel *f, const struct call *c)
{
    return f(c->a, c->b, c->out, c->n, c->k);
}

static uint64_t start_ticks(void)
{
    _mm_lfence();
    uint64_t t = __rdtsc();
    _mm_lfence();
    return t;
}

static uint64_t end_ticks(void)
{
    unsigned cpu;
    uint64_t t = __rdtscp(&cpu);
    _mm_lfence();
    return t;
}

double driver_ticks_per_ns(void)
{
    struct timespec from, now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &from);
    uint64_t t0 = start_ticks();
    double ns;
    do {
        clock_gettime(CLOCK_MONOTONIC_RAW, &now);
        ns = (double)(now.tv_sec - from.tv_sec) * 1e9 + (double)(now.tv_nsec - from.tv_nsec);
    } while (ns < 20e6);
    return (double)(end_ticks() - t0) / ns;
}

/* What the clock itself costs: the least of many empty measurements. */
static uint64_t clock_ticks(void)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 64; i++) {
        uint64_t t0 = start_ticks();
        uint64_t t = end_ticks() - t0;
        least = t < least ? t : least;
    }
    return least;
}

static uint64_t time_pass(kernel *f, const struct call *pool, uint64_t calls,
                          const struct restore *reset)
{
    if (reset->bytes)
        memcpy(reset->to, reset->from, reset->bytes);
    uint64_t t0 = start_ticks();
    for (uint64_t i = 0; i < calls; i++)
        run(f, &pool[i]);
    return end_ticks() - t0;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void touch(const unsigned char *from, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i += 64)
        (void)*(const volatile unsigned char *)(from + i);
}

/* One round: time all variants turn by turn, in random order. ticks: per call, one for each variant.
 * read_from: the memory the calls read; brought into the cache first, so that nobody pays for it.
 */
void driver_time(kernel *const *variants, uint64_t variant_count, const struct call *pool,
                 uint64_t calls, const unsigned char *read_from, uint64_t read_bytes,
                 const struct restore *reset, uint64_t passes, uint64_t seed, double *ticks)
{
    uint64_t state = seed | 1, overhead = clock_ticks();
    unsigned order[32];
    for (unsigned i = 0; i < variant_count; i++)
        order[i] = i;
    for (uint64_t i = variant_count - 1; i > 0; i--) {
        uint64_t j = next_random(&state) % (i + 1);
        unsigned t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    touch(read_from, read_bytes);
    for (uint64_t i = 0; i < variant_count; i++) {
        kernel *f = variants[order[i]];
        run(f, &pool[next_random(&state) % calls]); /* code and branch targets are warm */
        uint64_t sum = 0;
        for (uint64_t pass = 0; pass < passes; pass++) {
            uint64_t t = time_pass(f, pool, calls, reset);
            sum += t > overhead ? t - overhead : 0;
        }
        ticks[order[i]] = (double)sum / (double)(passes * calls);
    }
}

/* ------------------------------------------------------------------ comparing */

enum verdict { SAME, WRONG_ANSWER, WRONG_MEMORY, CRASHED, STUCK };

static sigjmp_buf escape;
static pthread_t checking_thread;

static void leave(int signal)
{
    if (!pthread_equal(pthread_self(), checking_thread)) {
        pthread_kill(checking_thread, signal);
        return;
    }
    siglongjmp(escape, signal == SIGALRM ? STUCK : CRASHED);
}

/* Returns SAME when the kernel came back, and its answer. */
static enum verdict run_guarded(kernel *f, const struct call *c, uint64_t *answer)
{
    static const int caught[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGALRM};
    enum { COUNT = sizeof caught / sizeof *caught };
    struct sigaction action = {.sa_handler = leave}, before[COUNT];
    struct itimerval limit = {.it_value = {.tv_sec = 2}}, none = {0};
    checking_thread = pthread_self();
    for (int i = 0; i < COUNT; i++)
        sigaction(caught[i], &action, &before[i]);
    setitimer(ITIMER_REAL, &limit, NULL);
    int end = sigsetjmp(escape, 1);
    if (!end)
        *answer = run(f, c);
    setitimer(ITIMER_REAL, &none, NULL);
    for (int i = 0; i < COUNT; i++)
        sigaction(caught[i], &before[i], NULL);
    return (enum verdict)end;
}

/* Compare each variant with the reference from one state.
 * window: the part of the writable arena to reset and to compare; pristine and expected hold as many bytes.
 * Returns the reference's own verdict; SAME unless the case itself is invalid.
 */
int driver_check(kernel *reference, kernel *const *variants, uint64_t variant_count,
                 const struct call *c, unsigned char *window, uint64_t bytes,
                 const unsigned char *pristine, unsigned char *expected, int32_t *verdicts)
{
    uint64_t wanted = 0, answer = 0;
    memcpy(window, pristine, bytes);
    enum verdict end = run_guarded(reference, c, &wanted);
    memcpy(expected, window, bytes);
    for (uint64_t i = 0; i < variant_count; i++) {
        memcpy(window, pristine, bytes);
        verdicts[i] = run_guarded(variants[i], c, &answer);
        if (verdicts[i] == SAME && answer != wanted)
            verdicts[i] = WRONG_ANSWER;
        if (verdicts[i] == SAME && memcmp(window, expected, bytes))
            verdicts[i] = WRONG_MEMORY;
    }
    return (int)end;
}

/* Map three arenas with unreadable pages around each; returns the first byte of the first, or NULL. */
unsigned char *driver_map(uint64_t arena_bytes, uint64_t guard_bytes)
{
    uint64_t stride = arena_bytes + guard_bytes;
    unsigned char *base = mmap(NULL, 3 * stride + guard_bytes, PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    for (int i = 0; i < 3; i++)
        if (mprotect(base + guard_bytes + i * stride, arena_bytes, PROT_READ | PROT_WRITE))
            return NULL;
    return base + guard_bytes;
}

int driver_protect(void *start, uint64_t bytes, int is_writable)
{
    return mprotect(start, bytes, is_writable ? PROT_READ | PROT_WRITE : PROT_READ);
}
