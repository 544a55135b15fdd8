# REFUSED: WRONG_FP_FLAGS
# REGION: fsum -O2
# ISA: avx512
	vmovss	(%rdi), %xmm8
	vdivss	%xmm0, %xmm8, %xmm8
	jmp	.LH
