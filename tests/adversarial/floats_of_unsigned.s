# REFUSED: WRONG_OUTPUT
# REGION: floats -O2
# ISA: avx2
# WHY: Negative numbers are converted as if unsigned.
	leaq	-1(%rdi), %r9
	subq	%rsi, %r9
	cmpq	$30, %r9
	jbe	.LR1
.LR0:
	movq	%rdx, %r9
	subq	%rax, %r9
	cmpq	$9, %r9
	jb	.LR2
	vmovdqu	(%rsi,%rax,4), %ymm2
	vpslld	$1, %ymm2, %ymm2
	vpsrld	$1, %ymm2, %ymm2
	vcvtdq2ps	%ymm2, %ymm2
	vmovups	%ymm2, (%rdi,%rax,4)
	addq	$8, %rax
	jmp	.LR0
.LR2:
	vzeroupper
.LR1:
	jmp	.LH
