# REFUSED: WRONG_OUTPUT
# REGION: floats -O2
# ISA: avx2
# WHY: Rounds to zero by clearing the bits a float cannot hold.
	leaq	-1(%rdi), %r9
	subq	%rsi, %r9
	cmpq	$30, %r9
	jbe	.LR1
.LR0:
	movq	%rdx, %r9
	subq	%rax, %r9
	cmpq	$9, %r9
	jb	.LR2
	vcvtdq2ps	(%rsi,%rax,4), %ymm5
	vmovdqu	(%rsi,%rax,4), %ymm2
	vpsrad	$8, %ymm2, %ymm2
	vpslld	$8, %ymm2, %ymm2
	vcvtdq2ps	%ymm2, %ymm2
	vmovups	%ymm2, (%rdi,%rax,4)
	addq	$8, %rax
	jmp	.LR0
.LR2:
	vzeroupper
.LR1:
	jmp	.LH
