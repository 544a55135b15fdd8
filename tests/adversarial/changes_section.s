# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Runs code at start-up.
	.section	.init_array,"aw"
	jmp	.LH
