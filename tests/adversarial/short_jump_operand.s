# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: An operand-size prefix on a jump: AMD cuts the target to 16 bits, Intel ignores it.
	data16
	jmp	.LH
	jmp	.LH
