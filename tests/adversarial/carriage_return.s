# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A carriage return starts a new line for some readers.
	addl	$0, %eax	syscall
	jmp	.LH
