# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A huge object.
	.org	1000000000
	jmp	.LH
