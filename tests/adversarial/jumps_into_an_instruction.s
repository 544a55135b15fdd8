# REFUSED: GATE_BAD_BRANCH
# REGION: sum -O2
# ISA: avx2
# WHY: Jumps into the middle of an instruction.
	jmp	.LR0+1
	jmp	.LH
