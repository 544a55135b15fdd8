/* What runner.c and llmcc/sandbox/{model,runner}.py agree on: addresses, requests, replies. Included
   from assembly too, so the first part holds only numbers. */
#ifndef LLMCC_RUNNER_ABI_H
#define LLMCC_RUNNER_ABI_H

/* Offsets in the control page, which lies behind %gs at an address of its own in each child: code
   reaches it whatever its registers hold, and cannot know it by an address. */
#define CONTROL_EXIT_ID 0x00
#define CONTROL_RETURN 0x08
#define CONTROL_ENTRY 0x10
#define CONTROL_OWN_RSP 0x18
#define CONTROL_RUNNING 0x20
#define CONTROL_MXCSR_IN 0x28
#define CONTROL_MXCSR_OUT 0x2c
#define CONTROL_MXCSR_OWN 0x30
#define CONTROL_FLAGS_IN 0x38
#define CONTROL_FLAGS_OUT 0x40
#define CONTROL_RUNS_LEFT 0x48
#define CONTROL_POOL_NEXT 0x50
#define CONTROL_POOL_END 0x58
#define CONTROL_POOL_BASE 0x60
#define CONTROL_VECTOR_NEXT 0x68
#define CONTROL_VECTOR_BASE 0x70
#define CONTROL_VECTOR_STEP 0x78
#define CONTROL_START_TICKS 0x80
#define CONTROL_GPR_IN 0x100
#define CONTROL_GPR_OUT 0x180
#define CONTROL_MASK_OUT 0x200
#define CONTROL_VECTOR_OUT 0x400
#define COVERAGE_OFFSET 0x1000 /* the page behind the control page */
#define COVERAGE_BYTES 4096
#define GPR_BYTES 128     /* one state's general registers */
#define MASK_BYTES 64     /* one state's k0-k7 */
#define VECTOR_BYTES 2048 /* one state's zmm0-31 */
#define PAGE_BYTES 4096

#ifndef __ASSEMBLER__
#include <stdint.h>

#define ARENA_GUARD UINT64_C(0x200000) /* unreadable on both sides of each arena */
#define ARENA_MAX_COUNT 8

enum { END_FAULT = -1, END_STUCK = -2, END_TRAP = -3 };
enum { KIND_HELLO = 0, KIND_RUN = 1, KIND_TIME = 2, KIND_TRACE = 3 };

/* Exit codes of a child; diagnosis only, never a verdict. */
enum { CHILD_DONE = 0, CHILD_CRASHED = 70, CHILD_SETUP_FAILED = 71 };

/* The layout of the control page, for C. */
typedef struct {
    int32_t exit_id, padding_0;
    uint64_t return_address, entry, own_rsp, running;
    uint32_t mxcsr_in, mxcsr_out, mxcsr_own, padding_1;
    uint64_t flags_in, flags_out;
    uint64_t runs_left, pool_next, pool_end, pool_base, vector_next, vector_base, vector_step;
    uint64_t start_ticks;
    uint8_t padding_2[0x78];
    uint64_t gpr_in[16], gpr_out[16], mask_out[8];
    uint8_t padding_3[0x1c0];
    uint8_t vector_out[VECTOR_BYTES];
} Control;

/* All offsets are bytes from the start of the shared memory; [0, input_bytes) is read-only in the
   child, [input_bytes, shared_bytes) is written. Both are multiples of a page. */
typedef struct {
    uint64_t kind;
    uint64_t wall_ns; /* the child is killed after this */
    uint64_t tick_us; /* period of the CPU-time tick */
    uint64_t stuck_ticks; /* a run is stuck when as many ticks find it */
    uint64_t stuck_most; /* the child ends after as many stuck runs */
    uint64_t input_bytes, shared_bytes;
    uint64_t count; /* states, or inputs in the pool when timing */
    uint64_t arenas, arena_bytes;
    uint64_t bases; /* uint64_t[arenas]: addresses, multiples of a page */
    uint64_t code, code_bytes, entry;
    uint64_t other, other_bytes, other_entry; /* the second version when timing */
    uint64_t gpr, vector, mask, rflags, mxcsr, memory;
    uint64_t placements, rounds, runs_per_block, slot_bytes, vector_step;
    uint64_t places; /* uint32_t[placements][4]: two offsets, swapped, second_first */
    uint64_t orders; /* uint32_t[placements][rounds]: first input * 2 + (second version goes first) */
    uint64_t out_coverage, out_exit_id, out_fault, out_gpr, out_vector, out_mask, out_rflags,
        out_mxcsr, out_memory;
    uint64_t out_ticks; /* uint64_t[placements][rounds][2] */
    uint64_t out_failure; /* int64_t[2]: an END_ code or 0, and the version */
    uint64_t steps_most; /* when tracing: room for as many steps of all states together */
    uint64_t out_steps; /* Step[steps_most] */
    uint64_t out_step_ends; /* uint64_t[count]: how many steps were taken up to each state's end */
} Request;

/* The machine in front of one instruction of a traced run. */
typedef struct {
    uint64_t offset; /* of the instruction in the blob */
    uint64_t gpr[16]; /* encoding order */
    uint64_t mask[8];
    uint8_t vector[16][32]; /* ymm0-15 */
} Step;

typedef struct {
    uint64_t magic;
    uint64_t status; /* 0, or an errno with which fork failed */
    uint64_t killed; /* signal that ended the child, or 0 */
    uint64_t exit_code; /* CHILD_ code when not killed */
    uint64_t overran; /* 1: the child was killed at wall_ns */
    uint64_t features; /* FEATURE_ bits of CPU and system */
    uint64_t landlock; /* ABI version, 0: none */
    double ticks_per_ns;
} Reply;

enum { FEATURE_AVX2 = 1, FEATURE_AVX512 = 2 };
#define REPLY_MAGIC UINT64_C(0x726e6e7572636c6c)

#endif
#endif
