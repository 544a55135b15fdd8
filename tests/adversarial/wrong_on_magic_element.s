# REFUSED: WRONG_OUTPUT
# REGION: sum -O2
# ISA: avx2
# WHY: Wrong for one value of an element; the constant joins the dictionary and is tried.
	cmpl	$12345678, (%rdi)
	jne	.LR0
	addl	$1, %eax
.LR0:
	jmp	.LH
