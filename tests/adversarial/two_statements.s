# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Two statements on one line.
	nop; syscall
	jmp	.LH
