# REFUSED: WRONG_OUTPUT
# REGION: bits -O2
# ISA: avx2
# WHY: gcc's loop counts 1 for a word of 0 it is entered with; this gives 0 and then 1 too few.
	popcntq	%rdi, %rcx
	leal	-1(%rdx,%rcx), %edx
	movl	$1, %edi
.LR0:
	jmp	.LH
