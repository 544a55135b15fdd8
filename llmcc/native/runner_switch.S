/* Enter and leave a candidate with every register exact. Only the control page behind %gs is
   used while the candidate's registers are live, and only instructions that leave flags alone. */
#include "runner_abi.h"

        .macro  load_gprs
        movq    %gs:CONTROL_GPR_IN + 0x00, %rax
        movq    %gs:CONTROL_GPR_IN + 0x08, %rcx
        movq    %gs:CONTROL_GPR_IN + 0x10, %rdx
        movq    %gs:CONTROL_GPR_IN + 0x18, %rbx
        movq    %gs:CONTROL_GPR_IN + 0x20, %rsp
        movq    %gs:CONTROL_GPR_IN + 0x28, %rbp
        movq    %gs:CONTROL_GPR_IN + 0x30, %rsi
        movq    %gs:CONTROL_GPR_IN + 0x38, %rdi
        movq    %gs:CONTROL_GPR_IN + 0x40, %r8
        movq    %gs:CONTROL_GPR_IN + 0x48, %r9
        movq    %gs:CONTROL_GPR_IN + 0x50, %r10
        movq    %gs:CONTROL_GPR_IN + 0x58, %r11
        movq    %gs:CONTROL_GPR_IN + 0x60, %r12
        movq    %gs:CONTROL_GPR_IN + 0x68, %r13
        movq    %gs:CONTROL_GPR_IN + 0x70, %r14
        movq    %gs:CONTROL_GPR_IN + 0x78, %r15
        .endm

        .macro  store_gprs
        movq    %rax, %gs:CONTROL_GPR_OUT + 0x00
        movq    %rcx, %gs:CONTROL_GPR_OUT + 0x08
        movq    %rdx, %gs:CONTROL_GPR_OUT + 0x10
        movq    %rbx, %gs:CONTROL_GPR_OUT + 0x18
        movq    %rsp, %gs:CONTROL_GPR_OUT + 0x20
        movq    %rbp, %gs:CONTROL_GPR_OUT + 0x28
        movq    %rsi, %gs:CONTROL_GPR_OUT + 0x30
        movq    %rdi, %gs:CONTROL_GPR_OUT + 0x38
        movq    %r8, %gs:CONTROL_GPR_OUT + 0x40
        movq    %r9, %gs:CONTROL_GPR_OUT + 0x48
        movq    %r10, %gs:CONTROL_GPR_OUT + 0x50
        movq    %r11, %gs:CONTROL_GPR_OUT + 0x58
        movq    %r12, %gs:CONTROL_GPR_OUT + 0x60
        movq    %r13, %gs:CONTROL_GPR_OUT + 0x68
        movq    %r14, %gs:CONTROL_GPR_OUT + 0x70
        movq    %r15, %gs:CONTROL_GPR_OUT + 0x78
        .endm

        .macro  push_own
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, %gs:CONTROL_OWN_RSP
        .endm

        .macro  pop_own
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        .endm

        /* The rest of entering, after the vector registers. Storing to `running` comes first, and
           clearing it is the first thing on return: a fault outside is then known to be our own. */
        .macro  enter
        ldmxcsr %gs:CONTROL_MXCSR_IN
        pushq   %gs:CONTROL_FLAGS_IN
        movb    $1, %gs:CONTROL_RUNNING
        popfq
        load_gprs
        jmp     *%gs:CONTROL_ENTRY
        .endm

        .macro  leave_candidate
        movb    $0, %gs:CONTROL_RUNNING
        store_gprs
        movq    %gs:CONTROL_OWN_RSP, %rsp
        pushfq
        popq    %gs:CONTROL_FLAGS_OUT
        pushq   $0x202
        popfq
        stmxcsr %gs:CONTROL_MXCSR_OUT
        ldmxcsr %gs:CONTROL_MXCSR_OWN
        fninit
        .endm

        .text
/* void runner_enter_W(const uint8_t vector[32][64], const uint64_t mask[8]);
   Ends at runner_return_W, which candidates reach by `jmp *%gs:CONTROL_RETURN`. */
        .globl  runner_enter_512, runner_return_512
        .p2align 6
runner_enter_512:
        push_own
        .irp    i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        vmovdqu64 64*\i(%rdi), %zmm\i
        .endr
        .irp    i, 0, 1, 2, 3, 4, 5, 6, 7
        kmovq   8*\i(%rsi), %k\i
        .endr
        enter
runner_return_512:
        leave_candidate
        .irp    i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        vmovdqu64 %zmm\i, %gs:CONTROL_VECTOR_OUT + 64*\i
        .endr
        .irp    i, 0, 1, 2, 3, 4, 5, 6, 7
        kmovq   %k\i, %gs:CONTROL_MASK_OUT + 8*\i
        .endr
        vzeroupper
        pop_own
        ret

        .globl  runner_enter_256, runner_return_256
        .p2align 6
runner_enter_256:
        push_own
        .irp    i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vmovdqu 64*\i(%rdi), %ymm\i
        .endr
        enter
runner_return_256:
        leave_candidate
        .irp    i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vmovdqu %ymm\i, %gs:CONTROL_VECTOR_OUT + 64*\i
        .endr
        vzeroupper
        pop_own
        ret

        .globl  runner_enter_128, runner_return_128
        .p2align 6
runner_enter_128:
        push_own
        .irp    i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movups  64*\i(%rdi), %xmm\i
        .endr
        enter
runner_return_128:
        leave_candidate
        .irp    i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movups  %xmm\i, %gs:CONTROL_VECTOR_OUT + 64*\i
        .endr
        pop_own
        ret

/* uint64_t runner_time_block(void): %gs:CONTROL_RUNS_LEFT runs over the rotating pool; ticks they took.
   The trampoline (about 45 instructions a run) is in the time. */
        .globl  runner_time_block, runner_time_return
        .p2align 6
runner_time_block:
        push_own
        ldmxcsr %gs:CONTROL_MXCSR_IN
        movb    $1, %gs:CONTROL_RUNNING
        lfence
        rdtsc
        lfence
        shlq    $32, %rdx
        orq     %rdx, %rax
        movq    %rax, %gs:CONTROL_START_TICKS
        .p2align 6
.Lnext_run:
        movq    %gs:CONTROL_VECTOR_NEXT, %rcx
        movq    %gs:CONTROL_POOL_NEXT, %rax
        .irp    i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movups  16*\i(%rcx), %xmm\i
        .endr
        movq    0x08(%rax), %rcx
        movq    0x10(%rax), %rdx
        movq    0x18(%rax), %rbx
        movq    0x20(%rax), %rsp
        movq    0x28(%rax), %rbp
        movq    0x30(%rax), %rsi
        movq    0x38(%rax), %rdi
        movq    0x40(%rax), %r8
        movq    0x48(%rax), %r9
        movq    0x50(%rax), %r10
        movq    0x58(%rax), %r11
        movq    0x60(%rax), %r12
        movq    0x68(%rax), %r13
        movq    0x70(%rax), %r14
        movq    0x78(%rax), %r15
        movq    0x00(%rax), %rax
        jmp     *%gs:CONTROL_ENTRY
        .p2align 6
runner_time_return:
        movq    %gs:CONTROL_VECTOR_NEXT, %rcx
        movq    %gs:CONTROL_POOL_NEXT, %rax
        addq    %gs:CONTROL_VECTOR_STEP, %rcx
        subq    $-GPR_BYTES, %rax
        cmpq    %gs:CONTROL_POOL_END, %rax
        cmoveq  %gs:CONTROL_VECTOR_BASE, %rcx
        cmoveq  %gs:CONTROL_POOL_BASE, %rax
        movq    %rcx, %gs:CONTROL_VECTOR_NEXT
        movq    %rax, %gs:CONTROL_POOL_NEXT
        decq    %gs:CONTROL_RUNS_LEFT
        jnz     .Lnext_run
        rdtscp
        lfence
        movb    $0, %gs:CONTROL_RUNNING
        movq    %gs:CONTROL_OWN_RSP, %rsp
        shlq    $32, %rdx
        orq     %rdx, %rax
        subq    %gs:CONTROL_START_TICKS, %rax
        cld
        ldmxcsr %gs:CONTROL_MXCSR_OWN
        pop_own
        ret

        .section .note.GNU-stack, "", @progbits
