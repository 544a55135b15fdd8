# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Defines gcc's label.
.LH:
	addl	$0, %eax
	jmp	.LH
