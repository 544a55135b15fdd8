# REFUSED: GATE_DOES_NOT_ASSEMBLE
# REGION: sum -O2
# ISA: avx2
# WHY: A feature the CPU check does not ask for.
	pclmulqdq	$0, %xmm2, %xmm2
	jmp	.LH
