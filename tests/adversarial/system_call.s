# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx512
	movl	$60, %eax
	syscall
	jmp	.LH
