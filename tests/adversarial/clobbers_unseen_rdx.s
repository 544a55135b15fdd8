# REFUSED: GATE_CLOBBERS
# REGION: find -O2
# ISA: avx512
# WHY: Writes rdi, which is live through the loop.
	vpbroadcastd	%edx, %zmm16
.LR1:
	movq	%rsi, %rdi
	subq	%rax, %rdi
	cmpq	$17, %rdi
	jb	.LR2
	vpcmpeqd	(%rdi,%rax,4), %zmm16, %k1
	kortestw	%k1, %k1
	jne	.LR2
	addq	$16, %rax
	jmp	.LR1
.LR2:
	jmp	.LH
