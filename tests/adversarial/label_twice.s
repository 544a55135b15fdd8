# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A label is defined twice.
.LR0:
	addl	$0, %eax
.LR0:
	jmp	.LH
