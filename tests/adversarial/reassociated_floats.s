# REFUSED: WRONG_FP_FLAGS
# REGION: fsum -O2
# ISA: avx2
# WHY: Float sums are not associative: each pair is added first.
	movq	%rax, %r9
	subq	%rdi, %r9
	cmpq	$12, %r9
	jb	.LR0
	vmovss	(%rdi), %xmm8
	vaddss	4(%rdi), %xmm8, %xmm8
	vaddss	%xmm8, %xmm0, %xmm0
	addq	$8, %rdi
.LR0:
	jmp	.LH
