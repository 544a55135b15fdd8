# REFUSED: GATE_CLOBBERS
# REGION: sum -O2
# ISA: avx2
# WHY: xmm0 is live through the loop.
	vpxor	%xmm0, %xmm0, %xmm0
	jmp	.LH
