# REFUSED: GATE_LEAVES_UPPER_DIRTY
# REGION: map -O2
# ISA: avx512
# WHY: Leaves the upper half of ymm5 dirty: gcc's SSE code behind it becomes slow.
	movq	%rdi, %r9
	subq	%rsi, %r9
	leaq	63(%r9), %r10
	cmpq	$126, %r10
	jbe	.LR1
	movl	$-7, %r10d
	vpbroadcastd	%r10d, %zmm17
.LR0:
	movq	%rcx, %r9
	subq	%rax, %r9
	cmpq	$68, %r9
	jb	.LR1
	vmovdqu32	(%rsi,%rax), %zmm5
	vpslld	$2, %zmm5, %zmm18
	vpaddd	%zmm5, %zmm18, %zmm5
	vpaddd	%zmm17, %zmm5, %zmm5
	vmovdqu32	%zmm5, (%rdi,%rax)
	addq	$64, %rax
	jmp	.LR0
.LR1:
	jmp	.LH
