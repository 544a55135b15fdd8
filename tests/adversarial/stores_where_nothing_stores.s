# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx512
	movl	(%rdi), %r9d
	movl	%r9d, (%rdi)
	jmp	.LH
