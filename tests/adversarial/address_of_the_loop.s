# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Takes the address of gcc's loop.
	leaq	.LH(%rip), %r9
	jmp	.LH
