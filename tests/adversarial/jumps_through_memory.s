# REFUSED: GATE_BAD_BRANCH
# REGION: sum -O2
# ISA: avx2
# WHY: Jumps wherever the data says.
	jmp	*(%rdi)
	jmp	.LH
