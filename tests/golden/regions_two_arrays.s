# RUN: %llmcc-ctl regions %s | filecheck %s
# gcc -O2:
# long mismatch(const char *a, const char *b, long n) { long i; for (i = 0; i < n; i++) if (a[i]
# != b[i]) break; return i; }
# CHECK: region mismatch .L3 depth 1
# CHECK-NEXT: .LB1:
# CHECK-NEXT: addq $1, %rax
# CHECK-NEXT: cmpq %rax, %rdx
# CHECK-NEXT: je .LX0
# CHECK-NEXT: .LH:
# CHECK-NEXT: movzbl (%rsi,%rax), %ecx
# CHECK-NEXT: cmpb %cl, (%rdi,%rax)
# CHECK-NEXT: je .LB1
# CHECK-NEXT: jmp .LX1
# CHECK-NEXT: induction rax by 1 in 64 bits
# CHECK-NEXT: load of 1 bytes at 0(rsi,rax,1), stride 1
# CHECK-NEXT: load of 1 bytes at 0(rdi,rax,1), stride 1
# CHECK-NEXT: goes on while rax ne rdx, tested after its step
# CHECK-NEXT: accumulators -
# CHECK-NEXT: invariants rdx rsi rdi
# CHECK-NEXT: scratch rcx r8 r9 r10 r11
	.text
	.p2align 4
	.globl	mismatch
	.type	mismatch, @function
mismatch:
	xorl	%eax, %eax
	testq	%rdx, %rdx
	jg	.L3
	jmp	.L1
	.p2align 4,,10
	.p2align 3
.L8:
	addq	$1, %rax
	cmpq	%rax, %rdx
	je	.L7
.L3:
	movzbl	(%rsi,%rax), %ecx
	cmpb	%cl, (%rdi,%rax)
	je	.L8
.L1:
	ret
	.p2align 4,,10
	.p2align 3
.L7:
	ret
	.size	mismatch, .-mismatch
