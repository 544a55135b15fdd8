# REFUSED: WRONG_EXIT
# REGION: mismatch -O2
# ISA: avx2
# WHY: Takes the last pair for different without a look at the second array.
	leaq	1(%rcx), %r9
	cmpq	%r9, %rax
	jne	.LR0
	movl	(%rsi,%rcx,4), %edx
	jmp	.LX1
.LR0:
	jmp	.LH
