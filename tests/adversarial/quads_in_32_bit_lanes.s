# REFUSED: WRONG_OUTPUT
# REGION: quads -O2
# ISA: avx2
# WHY: Wrong element width: carries out of the low halves are lost.
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$40, %r9
	jb	.LR2
	vpxor	%xmm2, %xmm2, %xmm2
.LR1:
	vpaddd	(%rdi), %ymm2, %ymm2
	addq	$32, %rdi
	subq	$32, %r9
	cmpq	$40, %r9
	jae	.LR1
	vextracti128	$1, %ymm2, %xmm3
	vpaddq	%xmm3, %xmm2, %xmm2
	vpshufd	$0x4e, %xmm2, %xmm3
	vpaddq	%xmm3, %xmm2, %xmm2
	vmovq	%xmm2, %r10
	addq	%r10, %rax
	vzeroupper
.LR2:
	jmp	.LH
