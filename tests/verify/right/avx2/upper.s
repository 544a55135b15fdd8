# REGION: upper -O2
# ISA: avx2
	vpxor	%xmm2, %xmm2, %xmm2
	movl	$0x60, %r10d
	vmovd	%r10d, %xmm3
	vpbroadcastb	%xmm3, %ymm3
.LR0:
	movl	%edi, %ecx
	andl	$4095, %ecx
	cmpl	$4064, %ecx
	ja	.LR1
	vmovdqu	(%rdi), %ymm4
	vpcmpeqb	%ymm2, %ymm4, %ymm5
	vpcmpgtb	%ymm3, %ymm4, %ymm4
	vpor	%ymm4, %ymm5, %ymm4
	vpmovmskb	%ymm4, %ecx
	testl	%ecx, %ecx
	jne	.LR1
	addq	$31, %rdi
	jmp	.LR0
.LR1:
	vzeroupper
	jmp	.LH
