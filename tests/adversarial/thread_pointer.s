# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Reads thread-local storage, such as the stack protector's canary.
	movq	%fs:0, %r9
	jmp	.LH
