# REFUSED: GATE_BAD_BRANCH
# REGION: sum -O2
# ISA: avx2
# WHY: A jump outside the allow-list.
	jrcxz	.LH
	jmp	.LH
