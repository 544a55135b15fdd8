# REGION: smallest -O2
# ISA: avx2
.LR0:
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$12, %r9
	jb	.LR1
	movss	(%rdi), %xmm8
	minss	%xmm0, %xmm8
	movss	4(%rdi), %xmm0
	minss	%xmm8, %xmm0
	addq	$8, %rdi
	jmp	.LR0
.LR1:
	jmp	.LH
