# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Returns from the function in the middle of the loop.
	ret
	jmp	.LH
