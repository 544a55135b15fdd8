# REFUSED: WRONG_OUTPUT
# REGION: mismatch -O2
# ISA: avx2
# WHY: Leaves by the exit without the element gcc's loop leaves in edx.
	movl	(%rsi,%rcx,4), %r9d
	cmpl	%r9d, (%rdi,%rcx,4)
	jne	.LX1
	jmp	.LH
