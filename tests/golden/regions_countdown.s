# RUN: %llmcc-ctl regions %s | filecheck %s
# gcc -O2: void fill(int *a, unsigned n, int k) { do { *a++ ^= k; } while (--n); }
# CHECK: region fill .L2 depth 1
# CHECK-NEXT: .LH:
# CHECK-NEXT: addq $4, %rdi
# CHECK-NEXT: xorl %edx, -4(%rdi)
# CHECK-NEXT: cmpq %rax, %rdi
# CHECK-NEXT: jne .LH
# CHECK-NEXT: jmp .LX0
# CHECK-NEXT: induction rdi by 4 in 64 bits
# CHECK-NEXT: load and store of 4 bytes at 0(rdi,,1), stride 4
# CHECK-NEXT: goes on while rdi ne rax, tested after its step
# CHECK-NEXT: accumulators -
# CHECK-NEXT: invariants rax rdx
# CHECK-NEXT: scratch rcx rsi r8 r9 r10 r11
	.text
	.p2align 4
	.globl	fill
	.type	fill, @function
fill:
	leal	-1(%rsi), %eax
	leaq	4(%rdi,%rax,4), %rax
	.p2align 4,,10
	.p2align 3
.L2:
	addq	$4, %rdi
	xorl	%edx, -4(%rdi)
	cmpq	%rax, %rdi
	jne	.L2
	ret
	.size	fill, .-fill
