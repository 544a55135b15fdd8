# REGION: argmin -O2
# ISA: avx2
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
	jne	.LR1
	addq	$8, %rax
	jmp	.LR0
.LR1:
	vzeroupper
	jmp	.LH
