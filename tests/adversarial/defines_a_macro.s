# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Macros hide what is assembled.
	.macro	x
	nop
	.endm
	jmp	.LH
