# REFUSED: IDENTICAL
# REGION: sum -O2
# ISA: avx2
# WHY: No work at all: it would win or lose by noise.
	jmp	.LH
