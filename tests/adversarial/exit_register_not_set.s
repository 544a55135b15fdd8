# REFUSED: WRONG_OUTPUT
# REGION: find -O2
# ISA: avx2
# WHY: Leaves by the found exit with the index of the iteration before.
	cmpl	%edx, (%rdi,%rax,4)
	jne	.LR0
	subq	$1, %rax
	jmp	.LX1
.LR0:
	jmp	.LH
