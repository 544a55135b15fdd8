# REFUSED: NOT_COVERED
# REGION: sum -O2
# ISA: avx2
# WHY: Code that nothing jumps to: never run, so never tested.
	jmp	.LH
.LR0:
	addl	$1, %eax
	jmp	.LH
