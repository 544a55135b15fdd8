# REFUSED: WRONG_OUTPUT
# REGION: bits -O2
# ISA: avx2
# WHY: Counts a word with the highest bit set as one without.
	testq	%rdi, %rdi
	je	.LR0
	movabsq	$0x7fffffffffffffff, %r8
	andq	%rdi, %r8
	popcntq	%r8, %rcx
	leal	-1(%rdx,%rcx), %edx
	movl	$1, %edi
.LR0:
	jmp	.LH
