# RUN: %llmcc-ctl regions %s | filecheck %s
# gcc -O2:
# void raise(int *a, long n, int k) { for (long i = 0; i < n; i++) if (a[i] < k) a[i] = k; }
# CHECK: region raise .L4 depth 1
# CHECK-NEXT: .LH:
# CHECK-NEXT: cmpl %edx, (%rdi)
# CHECK-NEXT: jge .LB1
# CHECK-NEXT: movl %edx, (%rdi)
# CHECK-NEXT: .LB1:
# CHECK-NEXT: addq $4, %rdi
# CHECK-NEXT: cmpq %rax, %rdi
# CHECK-NEXT: jne .LH
# CHECK-NEXT: jmp .LX0
# CHECK-NEXT: induction rdi by 4 in 64 bits
# CHECK-NEXT: load of 4 bytes at 0(rdi,,1), stride 4
# CHECK-NEXT: store sometimes of 4 bytes at 0(rdi,,1), stride 4
# CHECK-NEXT: goes on while rdi ne rax, tested after its step
# CHECK-NEXT: accumulators -
# CHECK-NEXT: invariants rax rdx
# CHECK-NEXT: scratch rcx rsi r8 r9 r10 r11
	.text
	.p2align 4
	.globl	raise
	.type	raise, @function
raise:
	testq	%rsi, %rsi
	jle	.L1
	leaq	(%rdi,%rsi,4), %rax
	.p2align 4,,10
	.p2align 3
.L4:
	cmpl	%edx, (%rdi)
	jge	.L3
	movl	%edx, (%rdi)
.L3:
	addq	$4, %rdi
	cmpq	%rax, %rdi
	jne	.L4
.L1:
	ret
	.size	raise, .-raise
