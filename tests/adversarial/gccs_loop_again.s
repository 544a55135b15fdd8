# REFUSED: IDENTICAL
# REGION: sum -O2
# ISA: avx2
# WHY: gcc's own loop as the rewrite: no work of its own.
.LR0:
	addl	(%rdi), %eax
	addq	$4, %rdi
	cmpq	%rdi, %rsi
	jne	.LR0
	jmp	.LX0
