# REGION: palindrome -O2
# ISA: avx2
.LR0:
	movzbl	(%rdi,%rsi), %r8d
	cmpb	%r8b, (%rdi,%rax)
	jne	.LR1
	leaq	1(%rax), %r9
	leaq	-1(%rsi), %r10
	cmpq	%r10, %r9
	jge	.LR1
	movq	%r9, %rax
	movq	%r10, %rsi
	jmp	.LR0
.LR1:
	jmp	.LH
