# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Leaves a value on the x87 stack of the caller.
	fld1
	jmp	.LH
