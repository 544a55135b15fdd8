# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Sets FTZ, DAZ or the rounding: faster on denormals, and wrong.
	ldmxcsr	(%rdi)
	jmp	.LH
