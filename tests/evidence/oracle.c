/* Calls variants of one kernel on stored cases and compares them with gcc -O0's: the mutants' judge.
 *
 *   oracle REFERENCE.so KERNEL CASES MUTANTS.so COUNT
 *
 * Functions m0 … of MUTANTS.so run one after another, each in a child of its own. One line a mutant:
 * "SAME", or verdict, number of the first case that went wrong. Shares no code with llmcc: whole
 * functions through the ABI, C-visible results only.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

enum { ARENAS = 3, ARENA_BYTES = 1 << 18, GUARD_BYTES = 1 << 20, OUT = 2 };
enum { TICK_US = 40000, TICKS_MOST = 3, CPU_MOST_S = 60 };
enum verdict { SAME, ANSWER, MEMORY, CRASHED, STUCK, OUTSIDE };
static const char *const names[] = {"SAME", "ANSWER", "MEMORY", "CRASHED", "STUCK", "OUTSIDE"};

typedef uint64_t kernel(const void *, const void *, void *, size_t, int64_t);

/* One call. window: bytes put into an arena before it; pointer: arena and offset of an argument. */
struct window {
    uint32_t at, bytes;
    uint64_t data; /* offset in the data part */
};
struct one_case {
    struct window window[ARENAS];
    uint32_t pointer_arena[ARENAS], pointer_at[ARENAS];
    uint64_t n;
    int64_t k;
    uint64_t junk; /* 0, 1 or 2: what registers that hold no argument hold */
};
struct file {
    uint64_t count, data_bytes;
    struct one_case cases[];
};

/* Seen by the parent after a child has ended. */
struct progress {
    volatile uint64_t current;
    volatile uint64_t verdict;
};

static const struct file *file;
static const unsigned char *data;
/* Two views of each arena: what the kernel gets (a and b read-only there), and what is written to. */
static unsigned char *seen[ARENAS], *written[ARENAS];
static unsigned char *noise;
static uint64_t *answers;
static unsigned char *outs; /* expected windows of `out`, one after another */
static struct progress *progress;
static unsigned char junk_block[3][32 * 16 + 32];

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static void *map(size_t bytes, int protection, int flags, int fd)
{
    void *at = mmap(NULL, bytes, protection, flags, fd, 0);
    if (at == MAP_FAILED)
        fail("mmap");
    return at;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void make_arenas(void)
{
    uint64_t state = 88172645463325252u;
    noise = map(ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (int i = 0; i < ARENA_BYTES; i++)
        noise[i] = (unsigned char)(next_random(&state) >> 24);
    for (int i = 0; i < ARENAS; i++) {
        int fd = memfd_create("arena", 0);
        if (fd < 0 || ftruncate(fd, ARENA_BYTES))
            fail("memfd");
        unsigned char *base = map(ARENA_BYTES + 2 * GUARD_BYTES, PROT_NONE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1);
        seen[i] = mmap(base + GUARD_BYTES, ARENA_BYTES,
                       i == OUT ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
        if (seen[i] == MAP_FAILED)
            fail("mmap of an arena");
        written[i] = map(ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
        memcpy(written[i], noise, ARENA_BYTES);
        close(fd);
    }
    memset(junk_block[1], 0xff, sizeof junk_block[1]);
    for (size_t i = 0; i < sizeof junk_block[2]; i++)
        junk_block[2][i] = (unsigned char)(next_random(&state) >> 24);
}

/* Call f with all call-clobbered registers that hold no argument set from a block of junk. */
static uint64_t call(kernel *f, const struct one_case *c)
{
    const unsigned char *junk = junk_block[c->junk];
    const void *a = seen[c->pointer_arena[0]] + c->pointer_at[0];
    const void *b = seen[c->pointer_arena[1]] + c->pointer_at[1];
    void *out = seen[c->pointer_arena[2]] + c->pointer_at[2];
    register uint64_t n asm("rcx") = c->n;
    register int64_t k asm("r8") = c->k;
    uint64_t answer;
    asm volatile(
        "vmovups 0(%[junk]), %%ymm0; vmovups 32(%[junk]), %%ymm1; vmovups 64(%[junk]), %%ymm2\n"
        "vmovups 96(%[junk]), %%ymm3; vmovups 128(%[junk]), %%ymm4; vmovups 160(%[junk]), %%ymm5\n"
        "vmovups 192(%[junk]), %%ymm6; vmovups 224(%[junk]), %%ymm7; vmovups 256(%[junk]), %%ymm8\n"
        "vmovups 288(%[junk]), %%ymm9; vmovups 320(%[junk]), %%ymm10; vmovups 352(%[junk]), %%ymm11\n"
        "vmovups 384(%[junk]), %%ymm12; vmovups 416(%[junk]), %%ymm13; vmovups 448(%[junk]), %%ymm14\n"
        "vmovups 480(%[junk]), %%ymm15\n"
        "movq 512(%[junk]), %%r9; movq 520(%[junk]), %%r10; movq %[f], %%r11\n"
        "movq 528(%[junk]), %%rax\n"
        "movq %%rsp, %%rbx; subq $128, %%rsp; andq $-64, %%rsp\n" /* red zone, alignment */
        "call *%%r11\n"
        "movq %%rbx, %%rsp; vzeroupper\n"
        : "=&a"(answer), "+D"(a), "+S"(b), "+d"(out), "+c"(n), "+r"(k)
        : [junk] "r"(junk), [f] "r"(f)
        : "rbx", "r9", "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
          "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    return answer;
}

static void put_windows(const struct one_case *c)
{
    for (int i = 0; i < ARENAS; i++)
        memcpy(written[i] + c->window[i].at, data + c->window[i].data, c->window[i].bytes);
}

static void put_noise(const struct one_case *c)
{
    for (int i = 0; i < ARENAS; i++)
        memcpy(written[i] + c->window[i].at, noise + c->window[i].at, c->window[i].bytes);
}

static void record_reference(kernel *f)
{
    unsigned char *at = outs;
    for (uint64_t i = 0; i < file->count; i++) {
        const struct one_case *c = &file->cases[i];
        const struct window *w = &c->window[OUT];
        progress->current = i;
        put_windows(c);
        answers[i] = call(f, c);
        memcpy(at, written[OUT] + w->at, w->bytes);
        at += w->bytes;
        put_noise(c);
    }
    for (int i = 0; i < ARENAS; i++)
        if (memcmp(written[i], noise, ARENA_BYTES))
            _exit(2); /* the reference itself wrote beyond its window */
}

static enum verdict compare(kernel *f)
{
    const unsigned char *at = outs;
    for (uint64_t i = 0; i < file->count; i++) {
        const struct one_case *c = &file->cases[i];
        const struct window *w = &c->window[OUT];
        progress->current = i;
        put_windows(c);
        uint64_t answer = call(f, c);
        if (answer != answers[i])
            return ANSWER;
        if (memcmp(at, written[OUT] + w->at, w->bytes))
            return MEMORY;
        at += w->bytes;
        put_noise(c);
    }
    return memcmp(written[OUT], noise, ARENA_BYTES) ? OUTSIDE : SAME;
}

/* A case takes microseconds: one that sees several ticks of CPU time hangs. */
static void on_tick(int signal)
{
    static uint64_t last = UINT64_MAX, ticks;
    ticks = progress->current == last ? ticks + 1 : 0;
    last = progress->current;
    if (ticks >= TICKS_MOST) {
        progress->verdict = STUCK;
        _exit(0);
    }
    (void)signal;
}

static void limit_child(void)
{
    static unsigned char stack[1 << 16];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_ONSTACK | SA_RESTART};
    struct itimerval tick = {{0, TICK_US}, {0, TICK_US}};
    struct rlimit cpu = {CPU_MOST_S, CPU_MOST_S}, none = {0, 0};
    sigaltstack(&other, NULL);
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &none);
    sigaction(SIGPROF, &action, NULL);
    setitimer(ITIMER_PROF, &tick, NULL);
}

/* Run one function in a child; the child never prints. */
static enum verdict run_child(kernel *f, int is_reference)
{
    progress->verdict = CRASHED;
    pid_t child = fork();
    if (child < 0)
        fail("fork");
    if (!child) {
        limit_child();
        if (is_reference)
            record_reference(f);
        progress->verdict = is_reference ? SAME : compare(f);
        _exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) != child)
        fail("waitpid");
    /* What a child that was killed has left in the arenas must not reach the next one. */
    for (int i = 0; i < ARENAS; i++)
        if (progress->verdict != SAME)
            memcpy(written[i], noise, ARENA_BYTES);
    return WIFSIGNALED(status) || WEXITSTATUS(status) ? CRASHED : (enum verdict)progress->verdict;
}

static const struct file *open_cases(const char *path)
{
    struct stat stat;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &stat))
        fail(path);
    const struct file *opened =
        map((size_t)stat.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd);
    close(fd);
    return opened;
}

static void *open_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    return library;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    file = open_cases(argv[3]);
    data = (const unsigned char *)&file->cases[file->count];
    size_t out_bytes = 1;
    for (uint64_t i = 0; i < file->count; i++)
        out_bytes += file->cases[i].window[OUT].bytes;
    int shared = MAP_SHARED | MAP_ANONYMOUS;
    answers = map((file->count + 1) * sizeof *answers, PROT_READ | PROT_WRITE, shared, -1);
    outs = map(out_bytes, PROT_READ | PROT_WRITE, shared, -1);
    progress = map(sizeof *progress, PROT_READ | PROT_WRITE, shared, -1);
    make_arenas();
    void *reference = dlsym(open_library(argv[1]), argv[2]);
    if (!reference || run_child((kernel *)reference, 1) != SAME) {
        fprintf(stderr, "the reference fails in case %lu\n", (unsigned long)progress->current);
        return 2;
    }
    mprotect(answers, (file->count + 1) * sizeof *answers, PROT_READ);
    mprotect(outs, out_bytes, PROT_READ);
    void *mutants = open_library(argv[4]);
    for (long i = 0; i < atol(argv[5]); i++) {
        char name[32];
        snprintf(name, sizeof name, "m%ld", i);
        void *mutant = dlsym(mutants, name);
        if (!mutant)
            fail(name);
        enum verdict verdict = run_child((kernel *)mutant, 0);
        printf("%s %lu\n", names[verdict], (unsigned long)progress->current);
    }
    return 0;
}
