# REFUSED: WRONG_OUTPUT
# REGION: fsum -O2
# ISA: avx2
# WHY: Adds two elements in double and rounds once.
.LR0:
	movq	%rax, %r9
	subq	%rdi, %r9
	cmpq	$12, %r9
	jb	.LR1
	movaps	%xmm0, %xmm11
	addss	(%rdi), %xmm11
	addss	4(%rdi), %xmm11
	pxor	%xmm8, %xmm8
	cvtss2sd	%xmm0, %xmm8
	pxor	%xmm9, %xmm9
	cvtss2sd	(%rdi), %xmm9
	pxor	%xmm10, %xmm10
	cvtss2sd	4(%rdi), %xmm10
	addsd	%xmm9, %xmm8
	addsd	%xmm10, %xmm8
	cvtsd2ss	%xmm8, %xmm0
	addq	$8, %rdi
	jmp	.LR0
.LR1:
	jmp	.LH
