# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Takes its own address, to read its code and tell the sandbox from a program.
	leaq	0(%rip), %r9
	movl	8(%r9), %r9d
	jmp	.LH
