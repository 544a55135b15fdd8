# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Raw bytes of a system call.
	.byte	0x0f, 0x05
	jmp	.LH
