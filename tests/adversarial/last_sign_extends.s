# REFUSED: CRASHED
# REGION: last -O2
# ISA: avx2
# WHY: The index is sign-extended before use; gcc's loop uses all 64 bits of it.
.LR0:
	movslq	%eax, %r8
	cmpl	%edx, (%rdi,%r8,4)
	je	.LR1
	leaq	-1(%rax), %r9
	testl	%r9d, %r9d
	js	.LR1
	movq	%r9, %rax
	jmp	.LR0
.LR1:
	jmp	.LH
