# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Refers to a symbol of another unit.
	movq	environ(%rip), %r9
	jmp	.LH
