# REFUSED: GATE_CLOBBERS
# REGION: sum -O2
# ISA: avx2
# WHY: Writes the low byte of the stack pointer.
	movb	$0, %spl
	jmp	.LH
