# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: cap -O2
# ISA: avx2
# WHY: A string store writes through rdi without naming it.
	stosl
	jmp	.LH
