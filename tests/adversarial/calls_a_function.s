# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Calls a function of another unit.
	call	abort
	jmp	.LH
