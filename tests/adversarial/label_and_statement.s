# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A statement hides behind a label.
.LR0:	syscall
	jmp	.LH
