# REFUSED: GATE_BAD_BRANCH
# REGION: sum -O2
# ISA: avx2
# WHY: Jumps to an exit the loop does not have.
	jmp	.LX1
	jmp	.LH
