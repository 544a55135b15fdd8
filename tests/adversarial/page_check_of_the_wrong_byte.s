# REFUSED: READS_BEYOND
# REGION: end -O2
# ISA: avx2
# WHY: The page check looks at the pointer, the load starts one byte behind it.
	vpxor	%xmm2, %xmm2, %xmm2
.LR0:
	movl	%eax, %ecx
	andl	$4095, %ecx
	cmpl	$4064, %ecx
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
