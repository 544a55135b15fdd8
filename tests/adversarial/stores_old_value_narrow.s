# REFUSED: WRITES_BEYOND
# REGION: cap -O2
# ISA: avx2
# WHY: Stores the first element back unconditionally: no wider than gcc's store, but not gcc's.
	vmovd	%edx, %xmm2
	vpbroadcastd	%xmm2, %ymm2
.LR0:
	movq	%rax, %r9
	subq	%rdi, %r9
	cmpq	$36, %r9
	jb	.LR1
	movl	(%rdi), %r10d
	movl	%r10d, (%rdi)
	vmovdqu	(%rdi), %ymm3
	vpcmpgtd	%ymm2, %ymm3, %ymm3
	vpmaskmovd	%ymm2, %ymm3, (%rdi)
	addq	$32, %rdi
	jmp	.LR0
.LR1:
	vzeroupper
	jmp	.LH
