# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Reads its own code.
	movl	8(%rip), %r9d
	jmp	.LH
