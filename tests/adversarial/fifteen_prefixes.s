# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: More prefixes than an instruction may have: undefined opcode.
	data16
	data16
	data16
	data16
	data16
	data16
	data16
	data16
	data16
	data16
	data16
	data16
	data16
	data16
	data16
	data16
	nop
	jmp	.LH
