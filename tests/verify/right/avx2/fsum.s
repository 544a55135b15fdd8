# REGION: fsum -O2
# ISA: avx2
.LR0:
	movq	%rax, %r9
	subq	%rdi, %r9
	cmpq	$12, %r9
	jb	.LR1
	addss	(%rdi), %xmm0
	addss	4(%rdi), %xmm0
	addq	$8, %rdi
	jmp	.LR0
.LR1:
	jmp	.LH
