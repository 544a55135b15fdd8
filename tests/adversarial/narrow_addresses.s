# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: An address cut to 32 bits by a prefix.
	movl	(%edi), %r9d
	jmp	.LH
