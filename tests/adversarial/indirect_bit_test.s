# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: A bit test with a register index reaches 256 MB around its address.
	btl	%r9d, (%rdi)
	jmp	.LH
