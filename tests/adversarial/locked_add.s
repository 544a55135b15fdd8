# REFUSED: GATE_BAD_TEXT
# REGION: inplace -O2
# ISA: avx2
# WHY: A locked instruction orders memory, and is slow.
	lock addl	$0, (%rdi)
	jmp	.LH
