# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx512
	nop; syscall
	jmp	.LH
