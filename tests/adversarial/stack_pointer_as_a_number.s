# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Computes with the stack pointer, whose value is no part of the contract.
	movq	%rsp, %r9
	shrq	$40, %r9
	subl	$0x7f, %r9d
	addl	%r9d, %eax
	jmp	.LH
