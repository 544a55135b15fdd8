# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Puts a file into the object.
	.incbin	"/etc/passwd"
	jmp	.LH
