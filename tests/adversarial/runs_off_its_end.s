# REFUSED: GATE_BAD_BRANCH
# REGION: sum -O2
# ISA: avx512
	addl	$0, %eax
