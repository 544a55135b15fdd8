# REFUSED: READS_BEYOND
# REGION: halve -O2
# ISA: avx2
# WHY: Checks for 9 elements left and takes 16.
	leaq	-1(%rdi), %r9
	subq	%rsi, %r9
	cmpq	$30, %r9
	jbe	.LR1
.LR0:
	movq	%rdx, %r9
	subq	%rax, %r9
	cmpq	$9, %r9
	jb	.LR2
	vmovdqu	(%rsi,%rax,2), %ymm2
	vpsraw	$1, %ymm2, %ymm2
	vmovdqu	%ymm2, (%rdi,%rax,2)
	addq	$16, %rax
	jmp	.LR0
.LR2:
	vzeroupper
.LR1:
	jmp	.LH
