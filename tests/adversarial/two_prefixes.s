# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A prefix and an instruction on a line.
	rep stosl
	jmp	.LH
