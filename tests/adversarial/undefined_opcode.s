# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: An undefined opcode kills the program.
	ud2
	jmp	.LH
