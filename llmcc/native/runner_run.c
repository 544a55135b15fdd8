/* A batch of runs for comparison: every register and byte in, every register and byte out. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "runner_child.h"

typedef void Enter(const uint8_t *vector, const uint8_t *mask);
extern Enter runner_enter_512, runner_enter_256, runner_enter_128;
extern const char runner_return_512[], runner_return_256[], runner_return_128[];

_Static_assert(offsetof(Control, gpr_in) == CONTROL_GPR_IN, "layout");
_Static_assert(offsetof(Control, mask_out) == CONTROL_MASK_OUT, "layout");
_Static_assert(offsetof(Control, vector_out) == CONTROL_VECTOR_OUT, "layout");
_Static_assert(offsetof(Control, start_ticks) == CONTROL_START_TICKS, "layout");
_Static_assert(sizeof(Control) <= PAGE_BYTES, "layout");

#define TRAP_FLAG 0x100
#define OWN_MXCSR 0x1f80

/* What the signal handlers and the loop over the states share. */
static struct {
    volatile uint64_t index; /* the state that runs */
    volatile int32_t end; /* an END_ code once a handler ended the run, or 0 */
    volatile uint64_t address;
    uint64_t ticked_index, ticks, stuck_ticks, stuck_runs;
    uint64_t return_address;
    bool is_traced;
    volatile bool has_entered; /* when tracing: the candidate's first instruction was met */
} now;

/* Go on as if the candidate had left by its exit stub; its registers are stored as they are. */
static void leave(ucontext_t *context, int32_t end, uint64_t address) {
    now.end = end;
    now.address = address;
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)now.return_address;
    context->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
}

/* One instruction of our own on the way in or out, or one of the candidate's. */
static void on_step(ucontext_t *context) {
    if (is_traced_code(context)) {
        now.has_entered = true;
        if (!trace_step(context))
            leave(context, END_STUCK, 0);
    } else if (now.has_entered) {
        context->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
    }
}

static void on_fault(int number, siginfo_t *info, void *context) {
    if (now.is_traced && number == SIGTRAP && info->si_code == TRAP_TRACE) {
        on_step(context);
        return;
    }
    if (!control->running)
        _exit(CHILD_CRASHED);
    if (number == SIGSEGV || number == SIGBUS)
        leave(context, END_FAULT, (uint64_t)info->si_addr);
    else
        leave(context, END_TRAP, 0);
}

static void on_tick(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    if (now.ticked_index != now.index) {
        now.ticked_index = now.index;
        now.ticks = 0;
    }
    if (++now.ticks < now.stuck_ticks || !control->running)
        return;
    now.stuck_runs++;
    leave(context, END_STUCK, 0);
}

static void run_one(const Request *request, Shared shared, Enter *enter, uint64_t i) {
    const uint8_t *input = shared.input;
    const uint64_t memory_bytes = request->arenas * request->arena_bytes;
    copy_arenas_in(input + request->memory + i * memory_bytes, request);
    memcpy((void *)control->gpr_in, input + request->gpr + i * GPR_BYTES, GPR_BYTES);
    /* The arithmetic flags and nothing else: no trap, direction or alignment flag. */
    control->flags_in = (((const uint64_t *)(input + request->rflags))[i] & 0x8d5) | 0x202 |
                        (now.is_traced ? TRAP_FLAG : 0);
    now.has_entered = false;
    /* A reserved bit would fault outside the candidate. */
    control->mxcsr_in = ((const uint32_t *)(input + request->mxcsr))[i] & 0xffff;
    control->exit_id = END_TRAP;
    now.end = 0;
    now.address = 0;
    now.index = i + 1;
    enter(input + request->vector + i * VECTOR_BYTES, input + request->mask + i * MASK_BYTES);

    uint8_t *output = shared.output - request->input_bytes;
    memcpy(output + request->out_gpr + i * GPR_BYTES, (void *)control->gpr_out, GPR_BYTES);
    memcpy(output + request->out_mask + i * MASK_BYTES, (void *)control->mask_out, MASK_BYTES);
    memcpy(output + request->out_vector + i * VECTOR_BYTES, (void *)control->vector_out,
           VECTOR_BYTES);
    copy_arenas_out(output + request->out_memory + i * memory_bytes, request);
    if (now.is_traced)
        end_trace(i);
    ((uint64_t *)(output + request->out_rflags))[i] = control->flags_out;
    ((uint32_t *)(output + request->out_mxcsr))[i] = control->mxcsr_out;
    ((uint64_t *)(output + request->out_fault))[i] = now.address;
    int32_t exit_id = control->exit_id;
    /* Last: from here on the slot counts as filled. */
    ((volatile int32_t *)(output + request->out_exit_id))[i] =
        now.end != 0 ? now.end : exit_id >= 0 ? exit_id : END_TRAP;
}

static Enter *choose_width(unsigned features) {
    if (features & FEATURE_AVX512) {
        now.return_address = (uint64_t)runner_return_512;
        return runner_enter_512;
    }
    if (features & FEATURE_AVX2) {
        now.return_address = (uint64_t)runner_return_256;
        return runner_enter_256;
    }
    now.return_address = (uint64_t)runner_return_128;
    return runner_enter_128;
}

_Noreturn void child_run(int memory_fd, const Request *request, unsigned features) {
    Shared shared = map_shared(memory_fd, request);
    map_fixed_pages(memory_fd, request, (const uint64_t *)(shared.input + request->bases));
    /* Any 64-byte place in its pages, and at least one byte of int3 on both sides. */
    uint64_t place = 64 + random_bits() % 64 * 64;
    size_t code_bytes = (place + request->code_bytes + 2 * PAGE_BYTES) & ~(size_t)(PAGE_BYTES - 1);
    uint8_t *code = map_code(code_bytes);
    memcpy(code + place, shared.input + request->code, request->code_bytes);
    seal_code(code, code_bytes);

    Enter *enter = choose_width(features);
    control->return_address = now.return_address;
    control->entry = (uint64_t)(code + place + request->entry);
    control->mxcsr_own = OWN_MXCSR;
    now.stuck_ticks = request->stuck_ticks;
    now.is_traced = request->kind == KIND_TRACE;
    if (now.is_traced)
        prepare_trace(request, features, shared.output - request->input_bytes, code + place);
    catch_signals(on_fault, on_tick, request->tick_us);
    confine(request, true);
    for (uint64_t i = 0; i < request->count && now.stuck_runs < request->stuck_most; i++)
        run_one(request, shared, enter, i);
    _exit(CHILD_DONE);
}
