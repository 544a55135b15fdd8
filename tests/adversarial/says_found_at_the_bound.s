# REFUSED: WRONG_EXIT
# REGION: find -O2
# ISA: avx2
# WHY: Leaves as found when the last element is not the one looked for.
	cmpl	%edx, (%rdi,%rax,4)
	je	.LR0
	leaq	1(%rax), %r9
	cmpq	%rsi, %r9
	jne	.LR0
	jmp	.LX1
.LR0:
	jmp	.LH
