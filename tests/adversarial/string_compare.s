# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: end -O2
# ISA: avx2
# WHY: A string compare that reads like SSE's cmpsd once disassembled.
	cmpsl
	jmp	.LH
