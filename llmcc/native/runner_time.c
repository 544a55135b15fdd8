/* Blocks of runs of two versions, timed in pairs at many code placements. */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>

#include "runner_child.h"

extern uint64_t runner_time_block(void);
extern const char runner_time_return[];

#define OWN_MXCSR 0x1f80

typedef struct {
    uint32_t offset[2]; /* of either version in its slot */
    uint32_t swapped; /* 1: the first version takes the second slot */
    uint32_t second_first; /* 1: the second version is warmed up before the first */
} Place;

static struct {
    volatile int64_t *failure; /* [0] END_ code, [1] version */
    volatile int64_t version;
    volatile uint64_t block;
    uint64_t ticked_block, ticks, stuck_ticks;
} now;

static _Noreturn void give_up(int64_t end) {
    now.failure[1] = now.version;
    now.failure[0] = end;
    _exit(CHILD_DONE);
}

static void on_fault(int number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    if (!control->running)
        _exit(CHILD_CRASHED);
    give_up(number == SIGSEGV || number == SIGBUS ? END_FAULT : END_TRAP);
}

static void on_tick(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    if (now.ticked_block != now.block) {
        now.ticked_block = now.block;
        now.ticks = 0;
    }
    if (++now.ticks >= now.stuck_ticks && control->running)
        give_up(END_STUCK);
}

static uint64_t time_block(const Request *request, const uint8_t *input, uint64_t entry,
                           uint64_t first) {
    copy_arenas_in(input + request->memory, request);
    control->entry = entry;
    control->runs_left = request->runs_per_block;
    control->pool_next = control->pool_base + first * GPR_BYTES;
    control->vector_next = control->vector_base + first * request->vector_step;
    now.block++;
    return runner_time_block();
}

static void time_placement(const Request *request, const uint8_t *input, const uint64_t entry[2],
                           uint32_t warmed_first, const uint32_t *orders, uint64_t *ticks) {
    /* Once unmeasured, so that neither version pays for being first at a new place. */
    for (uint32_t turn = 0; turn < 2; turn++) {
        uint32_t version = turn ^ warmed_first;
        now.version = version;
        time_block(request, input, entry[version], 0);
    }
    for (uint64_t round = 0; round < request->rounds; round++) {
        for (uint32_t turn = 0; turn < 2; turn++) {
            uint32_t version = turn ^ (orders[round] & 1);
            now.version = version;
            ticks[2 * round + version] =
                time_block(request, input, entry[version], orders[round] >> 1);
        }
    }
}

static uint8_t *place_code(const Request *request, const uint8_t *input, const Place *places) {
    size_t bytes = request->placements * 2 * request->slot_bytes;
    uint8_t *code = map_code(bytes);
    for (uint64_t i = 0; i < request->placements; i++) {
        uint8_t *slots = code + 2 * i * request->slot_bytes;
        uint64_t swapped = places[i].swapped & 1;
        memcpy(slots + swapped * request->slot_bytes + places[i].offset[0], input + request->code,
               request->code_bytes);
        memcpy(slots + (1 - swapped) * request->slot_bytes + places[i].offset[1],
               input + request->other, request->other_bytes);
    }
    seal_code(code, bytes);
    return code;
}

_Noreturn void child_time(int memory_fd, const Request *request) {
    Shared shared = map_shared(memory_fd, request);
    uint8_t *output = shared.output - request->input_bytes;
    map_fixed_pages(memory_fd, request, (const uint64_t *)(shared.input + request->bases));
    const Place *places = (const Place *)(shared.input + request->places);
    const uint8_t *code = place_code(request, shared.input, places);

    now.failure = (volatile int64_t *)(output + request->out_failure);
    now.stuck_ticks = request->stuck_ticks;
    control->return_address = (uint64_t)runner_time_return;
    control->mxcsr_own = OWN_MXCSR;
    control->mxcsr_in = *(const uint32_t *)(shared.input + request->mxcsr) & 0xffff;
    control->pool_base = (uint64_t)(shared.input + request->gpr);
    control->pool_end = control->pool_base + request->count * GPR_BYTES;
    control->vector_base = (uint64_t)(shared.input + request->vector);
    control->vector_step = request->vector_step;
    catch_signals(on_fault, on_tick, request->tick_us);
    confine(request, false);

    const uint32_t *orders = (const uint32_t *)(shared.input + request->orders);
    uint64_t *ticks = (uint64_t *)(output + request->out_ticks);
    for (uint64_t i = 0; i < request->placements; i++) {
        const uint8_t *slots = code + 2 * i * request->slot_bytes;
        uint64_t swapped = places[i].swapped & 1;
        const uint64_t entry[2] = {
            (uint64_t)(slots + swapped * request->slot_bytes + places[i].offset[0] + request->entry),
            (uint64_t)(slots + (1 - swapped) * request->slot_bytes + places[i].offset[1] +
                       request->other_entry),
        };
        time_placement(request, shared.input, entry, places[i].second_first & 1,
                       orders + i * request->rounds, ticks + 2 * i * request->rounds);
    }
    _exit(CHILD_DONE);
}
