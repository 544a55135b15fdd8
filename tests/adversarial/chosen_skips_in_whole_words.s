# REFUSED: WRONG_OUTPUT
# REGION: chosen -O2
# ISA: avx2
# WHY: Looks at four of the eight flags it skips.
.LR0:
	movq	%rdx, %r9
	subq	%rax, %r9
	cmpq	$9, %r9
	jb	.LR1
	cmpl	$0, (%rdi,%rax)
	jne	.LR1
	addq	$8, %rax
	jmp	.LR0
.LR1:
	jmp	.LH
