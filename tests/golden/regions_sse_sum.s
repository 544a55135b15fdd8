# RUN: %llmcc-ctl regions %s | filecheck %s
# gcc -O3:
# int sum(const int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
# CHECK: region sum .L4 depth 1
# CHECK-NEXT: .LH:
# CHECK-NEXT: movdqu (%rax), %xmm2
# CHECK-NEXT: addq $16, %rax
# CHECK-NEXT: paddd %xmm2, %xmm0
# CHECK-NEXT: cmpq %rax, %rdx
# CHECK-NEXT: jne .LH
# CHECK-NEXT: jmp .LX0
# CHECK-NEXT: induction rax by 16 in 64 bits
# CHECK-NEXT: load of 16 bytes at 0(rax,,1), stride 16
# CHECK-NEXT: goes on while rax ne rdx, tested after its step
# CHECK-NEXT: accumulators xmm0
# CHECK-NEXT: invariants rdx
# CHECK-NEXT: scratch rdi r8 r9 r10 r11
	.text
	.p2align 4
	.globl	sum
	.type	sum, @function
sum:
	movq	%rdi, %rcx
	testl	%esi, %esi
	jle	.L7
	leal	-1(%rsi), %eax
	cmpl	$2, %eax
	jbe	.L8
	movl	%esi, %edx
	movq	%rdi, %rax
	pxor	%xmm0, %xmm0
	shrl	$2, %edx
	salq	$4, %rdx
	addq	%rdi, %rdx
	.p2align 4,,10
	.p2align 3
.L4:
	movdqu	(%rax), %xmm2
	addq	$16, %rax
	paddd	%xmm2, %xmm0
	cmpq	%rax, %rdx
	jne	.L4
	movdqa	%xmm0, %xmm1
	movl	%esi, %edx
	psrldq	$8, %xmm1
	andl	$-4, %edx
	paddd	%xmm1, %xmm0
	movdqa	%xmm0, %xmm1
	psrldq	$4, %xmm1
	paddd	%xmm1, %xmm0
	movd	%xmm0, %eax
	testb	$3, %sil
	je	.L11
.L3:
	movslq	%edx, %rdi
	leaq	0(,%rdi,4), %r8
	addl	(%rcx,%rdi,4), %eax
	leal	1(%rdx), %edi
	cmpl	%edi, %esi
	jle	.L1
	addl	$2, %edx
	addl	4(%rcx,%r8), %eax
	cmpl	%edx, %esi
	jle	.L1
	addl	8(%rcx,%r8), %eax
	ret
	.p2align 4,,10
	.p2align 3
.L7:
	xorl	%eax, %eax
.L1:
	ret
	.p2align 4,,10
	.p2align 3
.L11:
	ret
.L8:
	xorl	%edx, %edx
	xorl	%eax, %eax
	jmp	.L3
	.size	sum, .-sum
