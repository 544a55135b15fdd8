# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: A breakpoint kills the program.
	int3
	jmp	.LH
