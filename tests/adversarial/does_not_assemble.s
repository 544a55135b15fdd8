# REFUSED: GATE_DOES_NOT_ASSEMBLE
# REGION: sum -O2
# ISA: avx2
# WHY: Two memory operands.
	addl	(%rdi), (%rsi)
	jmp	.LH
