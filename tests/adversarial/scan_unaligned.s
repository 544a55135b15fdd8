# REFUSED: READS_BEYOND
# REGION: end -O2
# ISA: avx2
# WHY: An unbounded scan with unaligned vectors reads beyond the end of the mapping.
	leaq	1(%rax), %rcx
	movl	%ecx, %esi
	andl	$0, %esi
	vpxor	%xmm2, %xmm2, %xmm2
	vpcmpeqb	(%rcx), %ymm2, %ymm3
	vpmovmskb	%ymm3, %edi
	shrxl	%esi, %edi, %edi
	shlxl	%esi, %edi, %edi
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
