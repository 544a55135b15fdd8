# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Reads through rbx and al without naming them.
	xlatb
	jmp	.LH
