# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: map -O2
# ISA: avx2
# WHY: Keeps a value below the stack pointer, where a function with a frame may not.
	movl	%eax, -8(%rsp)
	addl	$0, -8(%rsp)
	movl	-8(%rsp), %eax
	jmp	.LH
