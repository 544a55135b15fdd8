# REFUSED: WRONG_OUTPUT
# REGION: fsum -O2
# ISA: avx2
# WHY: Float sums are not associative: each pair is added first, where no flag would tell.
	movq	%rax, %r9
	subq	%rdi, %r9
	cmpq	$12, %r9
	jb	.LR0
	vaddss	(%rdi), %xmm0, %xmm9
	vaddss	4(%rdi), %xmm9, %xmm9
	vmovd	%xmm9, %r9d
	notl	%r9d
	testl	$0x7f800000, %r9d
	je	.LR0
	vmovss	(%rdi), %xmm8
	vaddss	4(%rdi), %xmm8, %xmm8
	vaddss	%xmm8, %xmm0, %xmm0
	addq	$8, %rdi
.LR0:
	jmp	.LH
