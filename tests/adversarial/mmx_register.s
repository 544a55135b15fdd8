# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Goes through an MMX register and leaves the x87 stack unusable.
	movd	%eax, %mm0
	paddd	%mm0, %mm0
	movd	%mm0, %eax
	jmp	.LH
