# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Reads a port.
	inb	$0x80, %al
	jmp	.LH
