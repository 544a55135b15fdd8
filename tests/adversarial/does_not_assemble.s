# REFUSED: GATE_DOES_NOT_ASSEMBLE
# REGION: sum -O2
# ISA: avx512
	addl	(%rdi), (%rsi)
	jmp	.LH
