# REFUSED: WRITES_BEYOND
# REGION: cap -O2
# ISA: avx2
# WHY: A masked store whose mask is all ones writes the old values back.
	vmovd	%edx, %xmm2
	vpbroadcastd	%xmm2, %ymm2
.LR0:
	movq	%rax, %r9
	subq	%rdi, %r9
	cmpq	$36, %r9
	jb	.LR1
	vmovdqu	(%rdi), %ymm3
	vpminsd	%ymm2, %ymm3, %ymm3
	vpcmpeqd	%ymm4, %ymm4, %ymm4
	vpmaskmovd	%ymm3, %ymm4, (%rdi)
	addq	$32, %rdi
	jmp	.LR0
.LR1:
	vzeroupper
	jmp	.LH
