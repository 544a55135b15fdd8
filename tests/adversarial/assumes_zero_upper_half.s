# REFUSED: CRASHED
# REGION: last -O2
# ISA: avx512
	movl	%eax, %eax
	jmp	.LH
