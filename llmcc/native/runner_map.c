/* The memory of a child: shared input and output, fixed pages, arenas with guards, code. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner_child.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

volatile Control *control;
static uint8_t *arenas[ARENA_MAX_COUNT];

_Noreturn void child_failed(void) { _exit(CHILD_SETUP_FAILED); }

uint64_t random_bits(void) {
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits)
        child_failed();
    return bits;
}

static void map_at(uint64_t address, size_t bytes, int protection, int flags, int fd,
                   uint64_t offset) {
    void *wanted = (void *)address;
    if (mmap(wanted, bytes, protection, flags | MAP_FIXED_NOREPLACE, fd, (off_t)offset) != wanted)
        child_failed();
}

/* A mapping between 16 TB and 96 TB, so that what a candidate finds at one address tells it nothing
   of the others. */
static uint8_t *map_somewhere(size_t bytes, int protection, int flags, int fd, uint64_t offset) {
    for (int attempt = 0; attempt < 16; attempt++) {
        uint64_t hint = (UINT64_C(1) << 44) + random_bits() % (UINT64_C(5) << 44);
        hint &= ~(uint64_t)(PAGE_BYTES - 1);
        void *got = mmap((void *)hint, bytes, protection, flags | MAP_FIXED_NOREPLACE, fd,
                         (off_t)offset);
        if (got != MAP_FAILED)
            return got;
    }
    child_failed();
}

Shared map_shared(int memory_fd, const Request *request) {
    uint64_t output_bytes = request->shared_bytes - request->input_bytes;
    const int flags = MAP_SHARED | MAP_POPULATE;
    Shared shared;
    shared.input = map_somewhere(request->input_bytes, PROT_READ, flags, memory_fd, 0);
    shared.output = map_somewhere(output_bytes, PROT_READ | PROT_WRITE, flags, memory_fd,
                                  request->input_bytes);
    return shared;
}

/* The control page and behind it the coverage page, where nobody can guess them, and %gs set to them. */
static void map_control(int memory_fd, const Request *request) {
    const int readable = PROT_READ | PROT_WRITE;
    uint8_t *page = map_somewhere(COVERAGE_OFFSET + COVERAGE_BYTES, readable,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    /* Shared, so that coverage outlives a child that is killed. */
    void *coverage = mmap(page + COVERAGE_OFFSET, COVERAGE_BYTES, readable, MAP_SHARED | MAP_FIXED,
                          memory_fd, (off_t)request->out_coverage);
    if (coverage == MAP_FAILED || syscall(SYS_arch_prctl, ARCH_SET_GS, page) != 0)
        child_failed();
    control = (volatile Control *)page;
}

void map_fixed_pages(int memory_fd, const Request *request, const uint64_t *bases) {
    map_control(memory_fd, request);
    for (uint64_t i = 0; i < request->arenas; i++) {
        /* Everything near an arena is taken, unreadable: what is not arena faults. */
        map_at(bases[i] - ARENA_GUARD, request->arena_bytes + 2 * ARENA_GUARD, PROT_NONE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        arenas[i] = (uint8_t *)bases[i];
        if (mprotect(arenas[i], request->arena_bytes, PROT_READ | PROT_WRITE) != 0)
            child_failed();
    }
}

uint8_t *map_code(size_t bytes) {
    uint8_t *code = map_somewhere(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(code, 0xcc, bytes);
    return code;
}

void seal_code(uint8_t *code, size_t bytes) {
    if (mprotect(code, bytes, PROT_READ | PROT_EXEC) != 0)
        child_failed();
}

void copy_arenas_in(const uint8_t *memory, const Request *request) {
    for (uint64_t i = 0; i < request->arenas; i++)
        memcpy(arenas[i], memory + i * request->arena_bytes, request->arena_bytes);
}

void copy_arenas_out(uint8_t *memory, const Request *request) {
    for (uint64_t i = 0; i < request->arenas; i++)
        memcpy(memory + i * request->arena_bytes, arenas[i], request->arena_bytes);
}
