# REFUSED: WRONG_OUTPUT
# REGION: end -O2
# ISA: avx2
# WHY: Zero bytes in front of the pointer, in its aligned block, end the scan.
	leaq	1(%rax), %rcx
	movl	%ecx, %esi
	andl	$31, %esi
	andq	$-32, %rcx
	vpxor	%xmm2, %xmm2, %xmm2
	vpcmpeqb	(%rcx), %ymm2, %ymm3
	vpmovmskb	%ymm3, %edi
	testl	%edi, %edi
	jne	.LR1
.LR0:
	addq	$32, %rcx
	vpcmpeqb	(%rcx), %ymm2, %ymm3
	vpmovmskb	%ymm3, %edi
	testl	%edi, %edi
	je	.LR0
.LR1:
	tzcntl	%edi, %edi
	leaq	-1(%rcx,%rdi), %rax
	vzeroupper
	jmp	.LH
