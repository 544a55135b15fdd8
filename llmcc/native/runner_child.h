/* The parts of a runner's child: memory, fences, and the kinds of work. */
#ifndef LLMCC_RUNNER_CHILD_H
#define LLMCC_RUNNER_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

#include "runner_abi.h"

/* Where %gs points, for C. */
extern volatile Control *control;

/* What a child sees of the shared memory, at addresses of its own choice. */
typedef struct {
    const uint8_t *input; /* read-only */
    uint8_t *output; /* of the part after the input */
} Shared;

/* -- runner_map.c. All of these end the child with CHILD_SETUP_FAILED when memory cannot be had. */
Shared map_shared(int memory_fd, const Request *request);
void map_fixed_pages(int memory_fd, const Request *request, const uint64_t *bases);
uint8_t *map_code(size_t bytes); /* filled with int3, at an unpredictable address, writable */
void seal_code(uint8_t *code, size_t bytes); /* now executable and no longer writable */
void copy_arenas_in(const uint8_t *memory, const Request *request);
void copy_arenas_out(uint8_t *memory, const Request *request);
uint64_t random_bits(void);

/* -- runner_trace.c: what single steps leave behind. */
void prepare_trace(const Request *request, unsigned features, uint8_t *output,
                   const uint8_t *code);
bool trace_step(const ucontext_t *context); /* false: no room for another step */
bool is_traced_code(const ucontext_t *context);
void end_trace(uint64_t state);

/* -- runner_fence.c. After confine() only exit_group and rt_sigreturn are left. */
int landlock_abi(void);
void confine(const Request *request, bool hides_clock);

/* -- runner_run.c, runner_time.c */
_Noreturn void child_run(int memory_fd, const Request *request, unsigned features);
_Noreturn void child_time(int memory_fd, const Request *request);

/* Handle the signals of bad code and the tick, on a stack of their own. */
typedef void SignalHandler(int number, siginfo_t *info, void *context);
void catch_signals(SignalHandler *on_fault, SignalHandler *on_tick, uint64_t tick_us);

_Noreturn void child_failed(void);

#endif
