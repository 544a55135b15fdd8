# REFUSED: WRITES_BEYOND
# REGION: cap -O2
# ISA: avx2
# WHY: An additional masked store writes the element behind the vector back.
	vmovd	%edx, %xmm2
	vpbroadcastd	%xmm2, %ymm2
.LR0:
	movq	%rax, %r9
	subq	%rdi, %r9
	cmpq	$36, %r9
	jb	.LR1
	vmovdqu	(%rdi), %ymm3
	vpcmpgtd	%ymm2, %ymm3, %ymm3
	vpmaskmovd	%ymm2, %ymm3, (%rdi)
	vmovd	32(%rdi), %xmm4
	vpcmpeqd	%xmm5, %xmm5, %xmm5
	vpsrldq	$12, %xmm5, %xmm5
	vpmaskmovd	%xmm4, %xmm5, 32(%rdi)
	addq	$32, %rdi
	jmp	.LR0
.LR1:
	vzeroupper
	jmp	.LH
