# REFUSED: GATE_CLOBBERS
# REGION: sum -O2
# ISA: avx512
	subq	$8, %rsp
	addq	$8, %rsp
	jmp	.LH
