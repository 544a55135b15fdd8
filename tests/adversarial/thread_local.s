# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A relocation.
	movl	errno@gottpoff(%rip), %r9d
	jmp	.LH
