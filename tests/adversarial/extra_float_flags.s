# REFUSED: WRONG_FP_FLAGS
# REGION: fsum -O2
# ISA: avx2
# WHY: A division, thrown away: raises flags gcc's loop does not.
	vmovss	(%rdi), %xmm8
	vdivss	%xmm0, %xmm8, %xmm8
	jmp	.LH
