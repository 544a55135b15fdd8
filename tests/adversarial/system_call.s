# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: Ends the process with status 0, which looks like success.
	movl	$60, %eax
	syscall
	jmp	.LH
