# REFUSED: READS_BEYOND
# REGION: matches -O2
# ISA: avx2
# WHY: A load starts one byte in front of the first one gcc's loop reads.
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$33, %r9
	jb	.LR2
	movzbl	-1(%rdi), %r8d
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
