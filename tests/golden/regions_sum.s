# RUN: %llmcc-ctl regions %s | filecheck %s
# CHECK: region sum .L3 depth 1
# CHECK-NEXT: .LH:
# CHECK-NEXT: addl (%rdi), %eax
# CHECK-NEXT: addq $4, %rdi
# CHECK-NEXT: cmpq %rdx, %rdi
# CHECK-NEXT: jne .LH
# CHECK-NEXT: jmp .LX0
# CHECK-NEXT: induction rdi by 4 in 64 bits
# CHECK-NEXT: load of 4 bytes at 0(rdi,,1), stride 4
# CHECK-NEXT: goes on while rdi ne rdx, tested after its step
# CHECK-NEXT: accumulators rax
# CHECK-NEXT: invariants rdx
# CHECK-NEXT: scratch rcx rsi r8 r9 r10 r11
	.text
	.globl	sum
	.type	sum, @function
sum:
	testl	%esi, %esi
	jle	.L4
	movslq	%esi, %rsi
	xorl	%eax, %eax
	leaq	(%rdi,%rsi,4), %rdx
	.p2align 4,,10
	.p2align 3
.L3:
	addl	(%rdi), %eax
	addq	$4, %rdi
	cmpq	%rdx, %rdi
	jne	.L3
	ret
.L4:
	xorl	%eax, %eax
	ret
	.size	sum, .-sum
