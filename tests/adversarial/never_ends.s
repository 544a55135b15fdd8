# REFUSED: TIMED_OUT
# REGION: sum -O2
# ISA: avx512
.LR0:
	addq	$1, %r9
	jmp	.LR0
