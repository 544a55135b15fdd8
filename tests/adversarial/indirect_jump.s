# REFUSED: GATE_BAD_BRANCH
# REGION: sum -O2
# ISA: avx512
	jmp	*%rax
