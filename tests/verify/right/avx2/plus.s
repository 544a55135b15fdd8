# REGION: plus -O2
# ISA: avx2
	leaq	-1(%rdi), %r9
	subq	%rsi, %r9
	cmpq	$30, %r9
	jbe	.LR1
	leaq	-1(%rdi), %r9
	subq	%rdx, %r9
	cmpq	$30, %r9
	jbe	.LR1
.LR0:
	movq	%rcx, %r9
	subq	%rax, %r9
	cmpq	$9, %r9
	jb	.LR2
	vmovdqu	(%rdx,%rax,4), %ymm2
	vpaddd	(%rsi,%rax,4), %ymm2, %ymm2
	vmovdqu	%ymm2, (%rdi,%rax,4)
	addq	$8, %rax
	jmp	.LR0
.LR2:
	vzeroupper
.LR1:
	jmp	.LH
