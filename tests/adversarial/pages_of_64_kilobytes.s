# REFUSED: READS_BEYOND
# REGION: end -O2
# ISA: avx2
# WHY: Assumes pages of 64 KiB.
	vpxor	%xmm2, %xmm2, %xmm2
.LR0:
	leaq	1(%rax), %rcx
	andl	$65535, %ecx
	cmpl	$65504, %ecx
	ja	.LR1
	vpcmpeqb	1(%rax), %ymm2, %ymm3
	vpmovmskb	%ymm3, %edi
	testl	%edi, %edi
	jne	.LR1
	addq	$32, %rax
	jmp	.LR0
.LR1:
	vzeroupper
	jmp	.LH
