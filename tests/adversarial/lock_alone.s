# REFUSED: GATE_BAD_TEXT
# REGION: inplace -O2
# ISA: avx2
# WHY: A lock prefix on a line of its own joins the next instruction.
	lock
	addl	$0, (%rdi)
	jmp	.LH
