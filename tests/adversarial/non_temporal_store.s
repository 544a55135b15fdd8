# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: map -O2
# ISA: avx512
# WHY: A non-temporal store has another memory order than gcc's.
	movq	%rdi, %r9
	subq	%rsi, %r9
	leaq	63(%r9), %r10
	cmpq	$126, %r10
	jbe	.LR1
	movl	$-7, %r10d
	vpbroadcastd	%r10d, %zmm17
.LR0:
	movq	%rcx, %r9
	subq	%rax, %r9
	cmpq	$68, %r9
	jb	.LR1
	vmovdqu32	(%rsi,%rax), %zmm16
	vpslld	$2, %zmm16, %zmm18
	vpaddd	%zmm16, %zmm18, %zmm16
	vpaddd	%zmm17, %zmm16, %zmm16
	vmovntdq	%zmm16, (%rdi,%rax)
	addq	$64, %rax
	jmp	.LR0
.LR1:
	jmp	.LH
