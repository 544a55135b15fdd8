# REFUSED: GATE_BAD_BRANCH
# REGION: find -O2
# ISA: avx2
# WHY: Jumps to a label inside gcc's loop.
	addq	$0, %rax
	jmp	.LB1
