# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Reads the caller's frame, which the loop has nothing to do with.
	movq	8(%rsp), %r9
	addl	%r9d, %eax
	jmp	.LH
