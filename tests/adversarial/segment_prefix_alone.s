# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A segment prefix on a line of its own joins the next instruction.
	gs
	movl	(%rdi), %r9d
	jmp	.LH
