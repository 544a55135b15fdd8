# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: A fence orders memory, and is slow.
	mfence
	jmp	.LH
