# REFUSED: WRONG_OUTPUT
# REGION: sum -O2
# ISA: avx512
	cmpl	$12345678, (%rdi)
	jne	.LR0
	addl	$1, %eax
.LR0:
	jmp	.LH
