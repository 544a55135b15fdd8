# REFUSED: READS_BEYOND
# REGION: end -O2
# ISA: avx2
# WHY: The page check looks at the last byte of every second page only.
	vpxor	%xmm2, %xmm2, %xmm2
.LR0:
	leaq	1(%rax), %rcx
	andl	$8191, %ecx
	cmpl	$8160, %ecx
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
