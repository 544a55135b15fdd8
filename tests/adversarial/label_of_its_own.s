# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A label that is not .LR.
cache:
	addl	$0, %eax
	jmp	.LH
