# REFUSED: WRONG_OUTPUT
# REGION: bits -O2
# ISA: avx2
# WHY: All bits are counted and one is left for gcc's loop to count again.
	testq	%rdi, %rdi
	je	.LR0
	popcntq	%rdi, %rcx
	addl	%ecx, %edx
	movl	$1, %edi
.LR0:
	jmp	.LH
