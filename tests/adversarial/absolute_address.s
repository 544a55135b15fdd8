# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx512
	movq	0x10000000, %r9
	jmp	.LH
