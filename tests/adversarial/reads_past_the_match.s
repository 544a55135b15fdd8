# REFUSED: READS_BEYOND
# REGION: find -O2
# ISA: avx512
# WHY: Unaligned vectors load beyond the match, over the end of the page gcc's loop stays in.
	vpbroadcastd	%edx, %zmm16
.LR1:
	movq	%rsi, %r11
	subq	%rax, %r11
	cmpq	$17, %r11
	jb	.LR2
	vpcmpeqd	(%rdi,%rax,4), %zmm16, %k1
	kortestw	%k1, %k1
	jne	.LR2
	addq	$16, %rax
	jmp	.LR1
.LR2:
	jmp	.LH
