# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: An expression.
	movl	$1+1, %r9d
	jmp	.LH
