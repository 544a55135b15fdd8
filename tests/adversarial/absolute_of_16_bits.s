# REFUSED: WRONG_OUTPUT
# REGION: absolute -O2
# ISA: avx2
# WHY: Wrong element width: the halves are made positive one by one.
	leaq	-1(%rdi), %r9
	subq	%rsi, %r9
	cmpq	$30, %r9
	jbe	.LR1
.LR0:
	movq	%r8, %r9
	subq	%rax, %r9
	cmpq	$36, %r9
	jb	.LR2
	vpabsw	(%rsi,%rax), %ymm2
	vmovdqu	%ymm2, (%rdi,%rax)
	addq	$32, %rax
	jmp	.LR0
.LR2:
	vzeroupper
.LR1:
	jmp	.LH
