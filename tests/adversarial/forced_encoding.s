# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A pseudo-prefix chooses the encoding.
	{evex} vpaddd	%xmm2, %xmm2, %xmm2
	jmp	.LH
