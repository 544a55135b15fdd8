# REFUSED: WRONG_OUTPUT
# REGION: saturate -O2
# ISA: avx2
# WHY: The amount added is 41: the neighbour of the constant.
	leaq	-1(%rdi), %r9
	subq	%rsi, %r9
	cmpq	$30, %r9
	jbe	.LR1
	movl	$41, %r10d
	vmovd	%r10d, %xmm4
	vpbroadcastb	%xmm4, %ymm4
.LR0:
	movq	%rdx, %r9
	subq	%rcx, %r9
	cmpq	$33, %r9
	jb	.LR2
	vpaddusb	(%rsi,%rcx), %ymm4, %ymm2
	vmovdqu	%ymm2, (%rdi,%rcx)
	addq	$32, %rcx
	jmp	.LR0
.LR2:
	vzeroupper
.LR1:
	jmp	.LH
