# REGION: matches -O2
# ISA: avx2
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$33, %r9
	jb	.LR2
	vmovd	%edx, %xmm2
	vpbroadcastb	%xmm2, %ymm2
.LR1:
	vpcmpeqb	(%rdi), %ymm2, %ymm3
	vpmovmskb	%ymm3, %ecx
	popcntl	%ecx, %ecx
	addl	%ecx, %eax
	addq	$32, %rdi
	subq	$32, %r9
	cmpq	$33, %r9
	jae	.LR1
	vzeroupper
.LR2:
	jmp	.LH
