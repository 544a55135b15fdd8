# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Flushes the data so that gcc's loop is slow when it is timed next.
	clflush	(%rdi)
	jmp	.LH
