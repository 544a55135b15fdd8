# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Privileged.
	hlt
	jmp	.LH
