# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Writes below the stack pointer, over a leaf function's red zone.
	pushq	%rbx
	popq	%rbx
	jmp	.LH
