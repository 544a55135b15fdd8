# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: The address of a symbol.
	movl	$environ, %r9d
	jmp	.LH
