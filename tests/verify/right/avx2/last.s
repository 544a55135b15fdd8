# REGION: last -O2
# ISA: avx2
.LR0:
	cmpl	%edx, (%rdi,%rax,4)
	je	.LR1
	leaq	-1(%rax), %r9
	testl	%r9d, %r9d
	js	.LR1
	movq	%r9, %rax
	jmp	.LR0
.LR1:
	jmp	.LH
