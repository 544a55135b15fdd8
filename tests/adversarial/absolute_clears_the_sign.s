# REFUSED: WRONG_OUTPUT
# REGION: absolute -O2
# ISA: avx2
# WHY: Clears the sign bit, as for floats.
	leaq	-1(%rdi), %r9
	subq	%rsi, %r9
	cmpq	$30, %r9
	jbe	.LR1
.LR0:
	movq	%r8, %r9
	subq	%rax, %r9
	cmpq	$36, %r9
	jb	.LR2
	vmovdqu	(%rsi,%rax), %ymm2
	vpslld	$1, %ymm2, %ymm2
	vpsrld	$1, %ymm2, %ymm2
	vmovdqu	%ymm2, (%rdi,%rax)
	addq	$32, %rax
	jmp	.LR0
.LR2:
	vzeroupper
.LR1:
	jmp	.LH
