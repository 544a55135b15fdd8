# REFUSED: GATE_BAD_BRANCH
# REGION: sum -O2
# ISA: avx2
# WHY: Jumps to an address.
	jmp	4096
	jmp	.LH
