# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx512
	movq	%fs:0, %r9
	jmp	.LH
