# REFUSED: GATE_DOES_NOT_ASSEMBLE
# REGION: sum -O2
# ISA: avx2
# WHY: Moves thread-local storage.
	wrfsbase	%r9
	jmp	.LH
