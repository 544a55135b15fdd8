# REFUSED: GATE_DOES_NOT_ASSEMBLE
# REGION: sum -O2
# ISA: avx2
# WHY: Takes cache lines for writing so that other cores slow down.
	prefetchw	(%rdi)
	jmp	.LH
