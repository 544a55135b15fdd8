# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Moves gcc's label.
	.set	.LH, 0
	jmp	.LH
