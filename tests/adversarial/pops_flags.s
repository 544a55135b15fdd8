# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Through popf every flag can be set, also trap and alignment check.
	pushfq
	popfq
	jmp	.LH
