# REGION: bits -O2
# ISA: avx2
	testq	%rdi, %rdi
	je	.LR0
	popcntq	%rdi, %rcx
	leal	-1(%rdx,%rcx), %edx
	movl	$1, %edi
.LR0:
	jmp	.LH
