# REFUSED: GATE_CLOBBERS
# REGION: sum -O2
# ISA: avx2
# WHY: div writes edx without naming it.
	movl	%eax, %r8d
	movl	$1, %ecx
	divl	%ecx
	movl	%r8d, %eax
	jmp	.LH
