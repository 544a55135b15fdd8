# REFUSED: NOT_COVERED
# REGION: sum -O2
# ISA: avx2
# WHY: A branch on a comparison that can never hold.
	cmpq	%rdi, %rdi
	jne	.LR0
	jmp	.LH
.LR0:
	addl	$1, %eax
	jmp	.LH
