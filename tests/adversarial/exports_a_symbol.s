# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Defines a symbol of the program.
	.globl	main
	jmp	.LH
