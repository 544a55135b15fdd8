# REFUSED: GATE_CLOBBERS
# REGION: sum -O2
# ISA: avx2
# WHY: cltd writes edx without naming it.
	cltd
	jmp	.LH
