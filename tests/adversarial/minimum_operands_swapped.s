# REFUSED: WRONG_OUTPUT
# REGION: smallest -O2
# ISA: avx2
# WHY: minss is not commutative: NaN and zeros of two signs come out otherwise.
.LR0:
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$12, %r9
	jb	.LR1
	movss	(%rdi), %xmm8
	minss	%xmm8, %xmm0
	movss	4(%rdi), %xmm8
	minss	%xmm0, %xmm8
	movaps	%xmm8, %xmm0
	addq	$8, %rdi
	jmp	.LR0
.LR1:
	jmp	.LH
