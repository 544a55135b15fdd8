# REFUSED: WRONG_OUTPUT
# REGION: cap -O2
# ISA: avx2
# WHY: The compare behind the conditional store is unsigned.
	vmovd	%edx, %xmm2
	vpbroadcastd	%xmm2, %ymm2
.LR0:
	movq	%rax, %r9
	subq	%rdi, %r9
	cmpq	$36, %r9
	jb	.LR1
	vmovdqu	(%rdi), %ymm3
	vpminud	%ymm2, %ymm3, %ymm4
	vpcmpeqd	%ymm3, %ymm4, %ymm4
	vpcmpeqd	%ymm5, %ymm5, %ymm5
	vpandn	%ymm5, %ymm4, %ymm3
	vpmaskmovd	%ymm2, %ymm3, (%rdi)
	addq	$32, %rdi
	jmp	.LR0
.LR1:
	vzeroupper
	jmp	.LH
