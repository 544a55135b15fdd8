# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx512
	movq	environ(%rip), %r9
	jmp	.LH
