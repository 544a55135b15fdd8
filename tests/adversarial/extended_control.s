# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Asks what the system saves.
	xgetbv
	jmp	.LH
