# REGION: third -O2
# ISA: avx2
.LR0:
	leaq	6(%rax), %r9
	cmpq	%r9, %rsi
	jle	.LR1
	xorl	(%rdi,%rax,4), %edx
	xorl	12(%rdi,%rax,4), %edx
	movq	%r9, %rax
	jmp	.LR0
.LR1:
	jmp	.LH
