# REFUSED: WRONG_EXIT
# REGION: find -O2
# ISA: avx2
# WHY: With one element left it leaves as not found without looking at it.
	movq	%rsi, %r9
	subq	%rax, %r9
	cmpq	$1, %r9
	je	.LX0
	jmp	.LH
