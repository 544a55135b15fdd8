# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Calls gcc's loop.
	call	.LH
	jmp	.LH
