# REFUSED: GATE_BAD_TEXT
# REGION: map -O2
# ISA: avx2
# WHY: A rep prefix on a line of its own makes a copy loop of the next instruction.
	rep
	movsl
	jmp	.LH
