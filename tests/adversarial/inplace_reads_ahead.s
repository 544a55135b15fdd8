# REFUSED: WRONG_OUTPUT
# REGION: inplace -O2
# ISA: avx2
# WHY: Uses the element behind each one.
	movl	$1, %r10d
	vmovd	%r10d, %xmm4
	vpbroadcastd	%xmm4, %ymm4
.LR0:
	movq	%rdx, %r9
	subq	%rdi, %r9
	cmpq	$36, %r9
	jb	.LR1
	vmovdqu	4(%rdi), %ymm2
	vpaddd	%ymm2, %ymm2, %ymm3
	vpaddd	%ymm3, %ymm2, %ymm2
	vpaddd	%ymm4, %ymm2, %ymm2
	vmovdqu	%ymm2, (%rdi)
	addq	$32, %rdi
	jmp	.LR0
.LR1:
	vzeroupper
	jmp	.LH
