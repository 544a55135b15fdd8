# REFUSED: READS_BEYOND
# REGION: end -O2
# ISA: avx2
# WHY: The page check lets a vector start one byte too late in its page.
	vpxor	%xmm2, %xmm2, %xmm2
.LR0:
	leaq	1(%rax), %rcx
	andl	$4095, %ecx
	cmpl	$4065, %ecx
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
