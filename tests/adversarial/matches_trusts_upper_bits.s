# REFUSED: WRONG_OUTPUT
# REGION: matches -O2
# ISA: avx2
# WHY: The byte looked for is broadcast as 32 bits: garbage above an 8-bit argument breaks it.
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$33, %r9
	jb	.LR2
	vmovd	%edx, %xmm2
	vpbroadcastd	%xmm2, %ymm2
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
