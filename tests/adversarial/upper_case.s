# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Upper case.
	ADDL	$0, %EAX
	jmp	.LH
