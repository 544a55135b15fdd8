# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: An address without a base register.
	movl	(,%rdi,1), %r9d
	jmp	.LH
