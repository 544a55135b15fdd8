# REFUSED: GATE_DOES_NOT_ASSEMBLE
# REGION: sum -O2
# ISA: avx2
# WHY: A random number: no two runs are the same.
	rdrand	%r9d
	jmp	.LH
