# REFUSED: GATE_DOES_NOT_ASSEMBLE
# REGION: sum -O2
# ISA: avx2
# WHY: A feature the CPU check does not ask for.
	sha256msg1	%xmm2, %xmm2
	jmp	.LH
