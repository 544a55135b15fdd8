# REFUSED: WRONG_OUTPUT
# REGION: floats -O2
# ISA: avx2
# WHY: Converts |x| and puts the sign back: other results when the program rounds up or down.
	leaq	-1(%rdi), %r9
	subq	%rsi, %r9
	cmpq	$30, %r9
	jbe	.LR1
.LR0:
	movq	%rdx, %r9
	subq	%rax, %r9
	cmpq	$9, %r9
	jb	.LR2
	vmovdqu	(%rsi,%rax,4), %ymm3
	vpsrld	$31, %ymm3, %ymm4
	vpslld	$31, %ymm4, %ymm4
	vpabsd	%ymm3, %ymm3
	vcvtdq2ps	%ymm3, %ymm2
	vpor	%ymm4, %ymm2, %ymm2
	vmovups	%ymm2, (%rdi,%rax,4)
	addq	$8, %rax
	jmp	.LR0
.LR2:
	vzeroupper
.LR1:
	jmp	.LH
