# REFUSED: READS_BEYOND
# REGION: chosen -O2
# ISA: avx2
# WHY: The masked load takes all elements, also those whose flag is 0 and which may not be mapped.
	movq	%rdx, %r9
	subq	%rax, %r9
	cmpq	$5, %r9
	jb	.LR0
	vpcmpeqd	%xmm3, %xmm3, %xmm3
	vpmaskmovd	(%rsi,%rax,4), %xmm3, %xmm4
.LR0:
	jmp	.LH
