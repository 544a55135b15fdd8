# REGION: reverse -O2
# ISA: avx2
	movq	%rax, %r9
	subq	%rsi, %r9
	leaq	4(%rdi,%r9), %r10
	cmpq	%rsi, %r10
	jbe	.LR0
	leaq	4(%rax), %r10
	cmpq	%r10, %rdi
	jb	.LR2
.LR0:
	cmpq	$32, %r9
	jb	.LR1
	vmovdqu	-28(%rax), %ymm2
	vpshufd	$0x1b, %ymm2, %ymm2
	vpermq	$0x4e, %ymm2, %ymm2
	vmovdqu	%ymm2, (%rdi)
	subq	$32, %rax
	addq	$32, %rdi
	subq	$32, %r9
	jmp	.LR0
.LR1:
	vzeroupper
.LR2:
	jmp	.LH
