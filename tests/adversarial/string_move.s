# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: upper -O2
# ISA: avx2
# WHY: A string move that reads like SSE's movsd once disassembled.
	movsl
	jmp	.LH
