# RUN: %llmcc-ctl regions %s | filecheck %s
# gcc -O2: const char *scan(const char *p) { while (*p != 10) p++; return p; }
# CHECK: region scan .L3 depth 1
# CHECK-NEXT: .LH:
# CHECK-NEXT: addq $1, %rax
# CHECK-NEXT: cmpb $10, (%rax)
# CHECK-NEXT: jne .LH
# CHECK-NEXT: jmp .LX0
# CHECK-NEXT: induction rax by 1 in 64 bits
# CHECK-NEXT: load of 1 bytes at 1(rax,,1), stride 1
# CHECK-NEXT: accumulators -
# CHECK-NEXT: invariants -
# CHECK-NEXT: scratch rcx rsi rdi r8 r9 r10 r11
	.text
	.p2align 4
	.globl	scan
	.type	scan, @function
scan:
	cmpb	$10, (%rdi)
	movq	%rdi, %rax
	je	.L2
	.p2align 4,,10
	.p2align 3
.L3:
	addq	$1, %rax
	cmpb	$10, (%rax)
	jne	.L3
.L2:
	ret
	.size	scan, .-scan
