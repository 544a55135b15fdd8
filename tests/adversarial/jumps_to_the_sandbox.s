# REFUSED: GATE_BAD_BRANCH
# REGION: sum -O2
# ISA: avx2
# WHY: Jumps to a label of the sandbox's own.
	jmp	.LT2
	jmp	.LH
