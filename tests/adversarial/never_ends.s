# REFUSED: TIMED_OUT
# REGION: sum -O2
# ISA: avx2
# WHY: An endless loop.
.LR0:
	addq	$1, %r9
	jmp	.LR0
