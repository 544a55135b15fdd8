# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Clears every vector register, live ones too.
	vzeroall
	jmp	.LH
