# REFUSED: NOT_COVERED
# REGION: sum -O2
# ISA: avx2
# WHY: A path for pointers no program has.
	btq	$63, %rdi
	jnc	.LR0
	addl	$1, %eax
.LR0:
	jmp	.LH
