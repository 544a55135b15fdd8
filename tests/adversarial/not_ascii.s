# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: A Cyrillic letter in a register's name.
	addl	$0, %еax
	jmp	.LH
