# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Leaves the direction flag set: the next memcpy runs backwards.
	std
	jmp	.LH
