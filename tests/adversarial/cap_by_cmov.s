# REFUSED: WRITES_BEYOND
# REGION: cap -O2
# ISA: avx2
# WHY: The classic if-conversion: stores each element, changed or not.
.LR0:
	leaq	4(%rdi), %r9
	cmpq	%rax, %r9
	je	.LR1
	movl	(%rdi), %r10d
	cmpl	%edx, %r10d
	cmovg	%edx, %r10d
	movl	%r10d, (%rdi)
	movq	%r9, %rdi
	jmp	.LR0
.LR1:
	jmp	.LH
