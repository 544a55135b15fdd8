# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Changes the x87 rounding and precision for all code that follows.
	fldcw	(%rdi)
	jmp	.LH
