# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A comment within a statement.
	addl	$0, /* %rax */ %eax
	jmp	.LH
