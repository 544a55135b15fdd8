# REFUSED: GATE_BAD_BRANCH
# REGION: sum -O2
# ISA: avx2
# WHY: No jump at the end: it would run into whatever follows.
	addl	$0, %eax
