# RUN: %llmcc-ctl regions %s | filecheck %s
# gcc -O2:
# long find(const int *a, long n, int k) { for (long i = 0; i < n; i++) if (a[i] == k) return i;
# return -1; }
# CHECK: region find .L3 depth 1
# CHECK-NEXT: .LB1:
# CHECK-NEXT: addq $1, %rax
# CHECK-NEXT: cmpq %rax, %rsi
# CHECK-NEXT: je .LX0
# CHECK-NEXT: .LH:
# CHECK-NEXT: cmpl %edx, (%rdi,%rax,4)
# CHECK-NEXT: jne .LB1
# CHECK-NEXT: jmp .LX1
# CHECK-NEXT: induction rax by 1 in 64 bits
# CHECK-NEXT: load of 4 bytes at 0(rdi,rax,4), stride 4
# CHECK-NEXT: goes on while rax ne rsi, tested after its step
# CHECK-NEXT: accumulators -
# CHECK-NEXT: invariants rdx rsi rdi
# CHECK-NEXT: scratch rcx r8 r9 r10 r11
	.text
	.p2align 4
	.globl	find
	.type	find, @function
find:
	testq	%rsi, %rsi
	jle	.L4
	xorl	%eax, %eax
	jmp	.L3
	.p2align 4,,10
	.p2align 3
.L7:
	addq	$1, %rax
	cmpq	%rax, %rsi
	je	.L4
.L3:
	cmpl	%edx, (%rdi,%rax,4)
	jne	.L7
	ret
	.p2align 4,,10
	.p2align 3
.L4:
	movq	$-1, %rax
	ret
	.size	find, .-find
