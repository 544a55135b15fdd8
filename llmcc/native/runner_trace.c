/* Single steps: the machine in front of every instruction of a candidate, for the parent to work out
   which bytes it reads and writes. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <string.h>

#include "runner_child.h"

/* Where the parts of a signal frame's XSAVE area lie (Intel SDM vol. 1, 13.4). */
enum { XMM_AT = 160, PRESENT_AT = 512, XMM = 1, YMM_HIGH = 2, OPMASK = 5, XMM_BYTES = 16, YMM_BYTES = 32 };

static struct {
    uint64_t code, code_bytes;
    Step *steps;
    uint64_t *ends;
    uint64_t count, most;
    size_t ymm_high_at, opmask_at; /* 0: this CPU has none */
} trace;

static size_t component_at(unsigned number) {
    unsigned size, at, c, d;
    return __get_cpuid_count(0xd, number, &size, &at, &c, &d) ? at : 0;
}

void prepare_trace(const Request *request, unsigned features, uint8_t *output,
                   const uint8_t *code) {
    trace.code = (uint64_t)code;
    trace.code_bytes = request->code_bytes;
    trace.steps = (Step *)(output + request->out_steps);
    trace.ends = (uint64_t *)(output + request->out_step_ends);
    trace.most = request->steps_most;
    trace.ymm_high_at = features & FEATURE_AVX2 ? component_at(YMM_HIGH) : 0;
    trace.opmask_at = features & FEATURE_AVX512 ? component_at(OPMASK) : 0;
}

bool is_traced_code(const ucontext_t *context) {
    return (uint64_t)context->uc_mcontext.gregs[REG_RIP] - trace.code < trace.code_bytes;
}

/* A part that is in its initial state need not have been written. */
static const uint8_t *component(const uint8_t *area, unsigned number, size_t at) {
    uint64_t present;
    memcpy(&present, area + PRESENT_AT, sizeof present);
    return at != 0 && (present >> number & 1) != 0 ? area + at : NULL;
}

static void copy_vectors(Step *step, const uint8_t *area) {
    memset(step->vector, 0, sizeof step->vector);
    memset(step->mask, 0, sizeof step->mask);
    const uint8_t *low = component(area, XMM, XMM_AT);
    const uint8_t *high = component(area, YMM_HIGH, trace.ymm_high_at);
    for (size_t i = 0; i < sizeof step->vector / YMM_BYTES; i++) {
        if (low)
            memcpy(step->vector[i], low + XMM_BYTES * i, XMM_BYTES);
        if (high)
            memcpy(step->vector[i] + XMM_BYTES, high + XMM_BYTES * i, XMM_BYTES);
    }
    const uint8_t *masks = component(area, OPMASK, trace.opmask_at);
    if (masks)
        memcpy(step->mask, masks, sizeof step->mask);
}

bool trace_step(const ucontext_t *context) {
    /* Encoding order out of the order of the signal frame. */
    static const int ORDER[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                  REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                  REG_R12, REG_R13, REG_R14, REG_R15};
    if (trace.count >= trace.most)
        return false;
    Step *step = &trace.steps[trace.count++];
    step->offset = (uint64_t)context->uc_mcontext.gregs[REG_RIP] - trace.code;
    for (size_t i = 0; i < 16; i++)
        step->gpr[i] = (uint64_t)context->uc_mcontext.gregs[ORDER[i]];
    copy_vectors(step, (const uint8_t *)context->uc_mcontext.fpregs);
    return true;
}

void end_trace(uint64_t state) { trace.ends[state] = trace.count; }
