# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: inplace -O2
# ISA: avx2
# WHY: A non-temporal store from a general register.
	movnti	%r9d, (%rdi)
	jmp	.LH
