# REGION: inplace -O2
# ISA: avx2
	movl	$1, %r10d
	vmovd	%r10d, %xmm4
	vpbroadcastd	%xmm4, %ymm4
.LR0:
	movq	%rdx, %r9
	subq	%rdi, %r9
	cmpq	$36, %r9
	jb	.LR1
	vmovdqu	(%rdi), %ymm2
	vpaddd	%ymm2, %ymm2, %ymm3
	vpaddd	%ymm3, %ymm2, %ymm2
	vpaddd	%ymm4, %ymm2, %ymm2
	vmovdqu	%ymm2, (%rdi)
	addq	$32, %rdi
	jmp	.LR0
.LR1:
	vzeroupper
	jmp	.LH
