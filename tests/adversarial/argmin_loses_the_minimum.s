# REFUSED: WRONG_OUTPUT
# REGION: argmin -O2
# ISA: avx2
# WHY: Skips a block that holds a new minimum.
	vmovd	%ecx, %xmm2
	vpbroadcastd	%xmm2, %ymm2
.LR0:
	movq	%rsi, %r9
	subq	%rax, %r9
	cmpq	$9, %r9
	jb	.LR1
	vpcmpgtd	(%rdi,%rax,4), %ymm2, %ymm3
	vpmovmskb	%ymm3, %r10d
	testl	%r10d, %r10d
	addq	$8, %rax
	jmp	.LR0
.LR1:
	vzeroupper
	jmp	.LH
