# REFUSED: GATE_CLOBBERS
# REGION: sum -O2
# ISA: avx2
# WHY: Aligns the stack pointer.
	andq	$-32, %rsp
	jmp	.LH
