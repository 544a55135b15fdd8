# REFUSED: GATE_BAD_TEXT
# REGION: inplace -O2
# ISA: avx512
	lock addl	$0, (%rdi)
	jmp	.LH
