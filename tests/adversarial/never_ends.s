# REFUSED: TIMED_OUT
# REGION: sum -O2
# ISA: avx2
# WHY: An endless loop.
	xorl	%r9d, %r9d
.LR0:
	addq	$1, %r9
	jmp	.LR0
