# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A bomb for the assembler.
	.rept	1000000000
	nop
	.endr
	jmp	.LH
