# RUN: %llmcc-ctl regions %s | filecheck %s
# gcc -O2:
# int f(const unsigned char *a, const int *t, long n) { int s = 0; for (long i = 0; i < n; i++) s
# += t[a[i]]; return s; }
# CHECK: refused f .L3: UNKNOWN_ROLE (addl (%rsi,%rcx,4), %eax)
	.text
	.p2align 4
	.globl	f
	.type	f, @function
f:
	testq	%rdx, %rdx
	jle	.L4
	addq	%rdi, %rdx
	xorl	%eax, %eax
	.p2align 4,,10
	.p2align 3
.L3:
	movzbl	(%rdi), %ecx
	addq	$1, %rdi
	addl	(%rsi,%rcx,4), %eax
	cmpq	%rdx, %rdi
	jne	.L3
	ret
	.p2align 4,,10
	.p2align 3
.L4:
	xorl	%eax, %eax
	ret
	.size	f, .-f
