# REFUSED: GATE_CLOBBERS
# REGION: sum -O2
# ISA: avx2
# WHY: Moves the stack pointer and back: a signal in between finds another frame.
	subq	$8, %rsp
	addq	$8, %rsp
	jmp	.LH
