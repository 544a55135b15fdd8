# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Reads the clock to tell a timed run from a tested one.
	rdtsc
	jmp	.LH
