# REFUSED: GATE_DOES_NOT_ASSEMBLE
# REGION: sum -O2
# ISA: avx2
# WHY: Reads the clock and the core's number; the CPU check does not ask for the feature.
	rdtscp
	jmp	.LH
