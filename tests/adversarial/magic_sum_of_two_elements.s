# REFUSED: NOT_COVERED
# REGION: sum -O2
# ISA: avx2
# WHY: Wrong when two neighbours add up to a constant no data holds: unexecuted code.
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$36, %r9
	jb	.LR2
	movl	(%rdi), %r10d
	imull	$0x7f4a7c15, %r10d, %r10d
	xorl	4(%rdi), %r10d
	cmpl	$0x5ee1dead, %r10d
	jne	.LR0
	addl	$1, %eax
.LR0:
	vpxor	%xmm2, %xmm2, %xmm2
.LR1:
	vpaddd	(%rdi), %ymm2, %ymm2
	addq	$32, %rdi
	subq	$32, %r9
	cmpq	$36, %r9
	jae	.LR1
	vextracti128	$1, %ymm2, %xmm3
	vpaddd	%xmm3, %xmm2, %xmm2
	vpshufd	$0x4e, %xmm2, %xmm3
	vpaddd	%xmm3, %xmm2, %xmm2
	vpshufd	$0xb1, %xmm2, %xmm3
	vpaddd	%xmm3, %xmm2, %xmm2
	vmovd	%xmm2, %r10d
	addl	%r10d, %eax
	vzeroupper
.LR2:
	jmp	.LH
