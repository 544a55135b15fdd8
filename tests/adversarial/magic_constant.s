# REFUSED: NOT_COVERED
# REGION: sum -O2
# ISA: avx2
# WHY: Wrong for one product of two pointers: unexecuted code.
	movabsq	$0x1122334455667788, %r9
	movq	%rsi, %r10
	imulq	%rdi, %r10
	cmpq	%r9, %r10
	jne	.LR0
	addl	$1, %eax
.LR0:
	jmp	.LH
