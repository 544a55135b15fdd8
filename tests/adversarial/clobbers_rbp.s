# REFUSED: GATE_CLOBBERS
# REGION: sum -O2
# ISA: avx2
# WHY: rbp belongs to the caller, or is gcc's frame pointer.
	movl	$0, %ebp
	jmp	.LH
