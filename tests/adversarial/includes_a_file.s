# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Reads a file into the assembler.
	.include	"/proc/self/environ"
	jmp	.LH
