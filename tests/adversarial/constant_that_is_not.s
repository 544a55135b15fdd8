# REFUSED: GATE_SYMBOL
# REGION: sum -O2
# ISA: avx2
# WHY: Reads a constant the loop does not have.
	movl	.LK0(%rip), %r9d
	jmp	.LH
