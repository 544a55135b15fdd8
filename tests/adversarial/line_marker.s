# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A line marker of the preprocessor.
# 1 "x.c"
	jmp	.LH
