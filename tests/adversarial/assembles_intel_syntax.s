# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Another language.
	.intel_syntax	noprefix
	jmp	.LH
