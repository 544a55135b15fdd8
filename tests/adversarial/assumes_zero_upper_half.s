# REFUSED: CRASHED
# REGION: last -O2
# ISA: avx2
# WHY: Cuts a 64-bit index to 32 bits, as if its upper half were always 0.
	movl	%eax, %eax
	jmp	.LH
