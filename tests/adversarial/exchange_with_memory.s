# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: inplace -O2
# ISA: avx2
# WHY: An exchange with memory is locked.
	xchgl	%r9d, (%rdi)
	jmp	.LH
