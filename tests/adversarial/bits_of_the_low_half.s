# REFUSED: WRONG_OUTPUT
# REGION: bits -O2
# ISA: avx2
# WHY: Counts the bits of the low 32 only.
	testq	%rdi, %rdi
	je	.LR0
	popcntl	%edi, %ecx
	leal	-1(%rdx,%rcx), %edx
	movl	$1, %edi
.LR0:
	jmp	.LH
