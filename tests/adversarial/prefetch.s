# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Prefetches: pollutes the cache before gcc's loop is timed.
	prefetcht0	(%rdi)
	jmp	.LH
