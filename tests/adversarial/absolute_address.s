# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Loads from an absolute address, where the sandbox once had its control page.
	movq	0x10000000, %r9
	jmp	.LH
