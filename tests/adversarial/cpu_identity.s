# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Asks which CPU it is on; clobbers rbx too.
	cpuid
	jmp	.LH
