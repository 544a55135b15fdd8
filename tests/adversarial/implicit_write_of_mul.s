# REFUSED: GATE_CLOBBERS
# REGION: sum -O2
# ISA: avx2
# WHY: mul writes edx without naming it.
	movl	%eax, %r8d
	mull	%r9d
	movl	%r8d, %eax
	jmp	.LH
