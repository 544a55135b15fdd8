# REFUSED: GATE_BAD_BRANCH
# REGION: find -O2
# ISA: avx512
	addq	$0, %rax
	jmp	.LB1
