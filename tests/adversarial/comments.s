# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A comment: what it hides depends on who reads.
	addl	$0, %eax # .byte 0x0f, 0x05
	jmp	.LH
