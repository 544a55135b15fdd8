# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: inplace -O2
# ISA: avx2
# WHY: Atomic instructions are not for plain data.
	cmpxchgl	%r9d, (%rdi)
	jmp	.LH
