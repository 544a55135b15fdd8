/* Calls every function of a random program on random arrays and prints a checksum for each.
   Included by the generated main.c after its table of functions; always compiled by plain gcc.
   Arrays lie at random offsets between two unmapped pages, often flush against one, and overlap. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { ARENA = 1 << 17, PAGE = 4096, MARGIN = 128, LONGEST = 301, CALLS = 900 };

typedef struct {
    unsigned char *low, *high; /* the first byte and the one after the last that may be touched */
} Arena;

static uint64_t state;

static uint64_t draw(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    uint64_t mixed = (state ^ state >> 33) * 0xff51afd7ed558ccdu;
    return mixed ^ mixed >> 29;
}

static long below(long limit) { return (long)(draw() % (uint64_t)limit); }

static Arena make_arena(void) {
    unsigned char *pages = mmap(NULL, ARENA + 2 * PAGE, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages, PAGE, PROT_NONE) != 0 ||
        mprotect(pages + PAGE + ARENA, PAGE, PROT_NONE) != 0)
        exit(99);
    return (Arena){pages + PAGE, pages + PAGE + ARENA};
}

/* Where an array starts: near the first page, flush against the last, or somewhere between. */
static unsigned char *place(Arena arena, long bytes, long size) {
    unsigned char *last = arena.high - bytes;
    unsigned char *middle = arena.low + ARENA / 2 - ARENA / 4;
    switch (below(4)) {
    case 0: return arena.low + below(64) / size * size;
    case 1: return last;
    case 2: return last - below(64) / size * size;
    default: return middle + below(64) / size * size;
    }
}

/* Near another array: the same place, or up to 70 elements away. */
static unsigned char *near(Arena arena, unsigned char *other, long bytes, long size) {
    unsigned char *place = other + (below(4) ? below(140) - 70 : 0) * size;
    return place < arena.low || place + bytes > arena.high ? other : place;
}

static uint64_t hash_bytes(uint64_t hash, const unsigned char *from, const unsigned char *to) {
    for (; from < to; from++)
        hash = (hash ^ *from) * 0x100000001b3u;
    return hash;
}

static uint64_t hash_around(uint64_t hash, Arena arena, const unsigned char *at, long bytes) {
    const unsigned char *from = at - arena.low < MARGIN ? arena.low : at - MARGIN;
    const unsigned char *to = arena.high - at < bytes + MARGIN ? arena.high : at + bytes + MARGIN;
    return hash_bytes(hash, from, to);
}

static void fill(const Function *function, unsigned char *at, long bytes, int sort) {
    for (long done = 0; done < bytes; done += function->size)
        function->set(at + done, sort);
}

static long length_of_call(long call) {
    if (call < LONGEST)
        return call;
    return below(12) ? below(LONGEST) : 1000 + below(4000);
}

static uint64_t try_function(const Function *function, const Arena arenas[3]) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (long call = 0; call < CALLS; call++) {
        long n = length_of_call(call), count = n > 0 ? n : 1, size = function->size;
        long bytes = count * size;
        Arena of[3] = {arenas[0], arenas[1], arenas[2]};
        unsigned char *at[3] = {place(of[0], bytes, size)};
        for (int i = 1; i < 3; i++) {
            int is_near = below(4) == 0;
            of[i] = is_near ? of[0] : of[i];
            at[i] = is_near ? near(of[0], at[0], bytes, size) : place(of[i], bytes, size);
        }
        for (int i = 0; i < 3; i++)
            fill(function, at[i], bytes, (int)below(4));
        Scalars scalars;
        function->set(scalars.k, 1 + (int)below(3));
        function->set(scalars.k0, (int)below(4));
        hash = (hash ^ function->call(at[0], at[1], at[2], n, &scalars)) * 0x100000001b3u;
        for (int i = 0; i < 3; i++)
            hash = hash_around(hash, of[i], at[i], bytes);
    }
    return hash;
}

int main(void) {
    Arena arenas[3] = {make_arena(), make_arena(), make_arena()};
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++) {
        state = SEED + i;
        printf("%s %016llx\n", FUNCTIONS[i].name,
               (unsigned long long)try_function(&FUNCTIONS[i], arenas));
        fflush(stdout); /* a crash is the next function's */
    }
    return 0;
}
