# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: The old way into the kernel.
	int	$0x80
	jmp	.LH
