# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx512
	pushq	%rbx
	popq	%rbx
	jmp	.LH
