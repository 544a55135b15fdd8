# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx512
	.byte	0x0f, 0x05
	jmp	.LH
