# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: cap -O2
# ISA: avx2
# WHY: A byte-masked store through rdi without naming it, and non-temporal.
	vmaskmovdqu	%xmm2, %xmm3
	jmp	.LH
