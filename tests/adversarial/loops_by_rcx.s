# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A jump outside the allow-list that writes rcx.
	loop	.LH
	jmp	.LH
