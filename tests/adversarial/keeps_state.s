# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Memory of its own, to remember results between calls.
	.comm	cache,4096
	jmp	.LH
