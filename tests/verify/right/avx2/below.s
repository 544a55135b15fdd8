# REGION: below -O2
# ISA: avx2
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$36, %r9
	jb	.LR2
	movl	$0x80000000, %r10d
	vmovd	%r10d, %xmm4
	vpbroadcastd	%xmm4, %ymm4
	vmovd	%edx, %xmm6
	vpbroadcastd	%xmm6, %ymm6
	vpxor	%ymm4, %ymm6, %ymm6
	vpxor	%xmm2, %xmm2, %xmm2
.LR1:
	vpxor	(%rdi), %ymm4, %ymm3
	vpcmpgtd	%ymm3, %ymm6, %ymm3
	vpsubd	%ymm3, %ymm2, %ymm2
	addq	$32, %rdi
	subq	$32, %r9
	cmpq	$36, %r9
	jae	.LR1
	vextracti128	$1, %ymm2, %xmm3
	vpaddd	%xmm3, %xmm2, %xmm2
	vpshufd	$0x4e, %xmm2, %xmm3
	vpaddd	%xmm3, %xmm2, %xmm2
	vpshufd	$0xb1, %xmm2, %xmm3
	vpaddd	%xmm3, %xmm2, %xmm2
	vmovd	%xmm2, %r10d
	addl	%r10d, %eax
	vzeroupper
.LR2:
	jmp	.LH
