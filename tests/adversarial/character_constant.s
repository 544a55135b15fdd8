# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A character constant.
	movl	$'a, %r9d
	jmp	.LH
