# RUN: %llmcc-ctl regions %s | filecheck %s
# gcc -O2: int g(int); int f(int n) { int s = 0; while (n--) s += g(n); return s; }
# CHECK: refused f .L3: HAS_CALL (call g@PLT)
	.text
	.p2align 4
	.globl	f
	.type	f, @function
f:
	pushq	%rbp
	pushq	%rbx
	subq	$8, %rsp
	testl	%edi, %edi
	je	.L4
	leal	-1(%rdi), %ebx
	xorl	%ebp, %ebp
	.p2align 4,,10
	.p2align 3
.L3:
	movl	%ebx, %edi
	call	g@PLT
	addl	%eax, %ebp
	subl	$1, %ebx
	jnb	.L3
	addq	$8, %rsp
	movl	%ebp, %eax
	popq	%rbx
	popq	%rbp
	ret
	.p2align 4,,10
	.p2align 3
.L4:
	xorl	%ebp, %ebp
	addq	$8, %rsp
	movl	%ebp, %eax
	popq	%rbx
	popq	%rbp
	ret
	.size	f, .-f
