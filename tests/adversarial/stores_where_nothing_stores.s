# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Stores an element back where gcc's loop only reads: faults in read-only data.
	movl	(%rdi), %r9d
	movl	%r9d, (%rdi)
	jmp	.LH
