# REFUSED: DISPROVED
# REGION: sum -O2
# ISA: avx2
# WHY: Wrong for one product of the first element, by arithmetic alone: no flag is looked at.
	imull	$0x7f4a7c15, (%rdi), %r8d
	xorl	$0x5ee1dead, %r8d
	movl	%r8d, %r10d
	notl	%r10d
	addl	$1, %r10d
	orl	%r10d, %r8d
	shrl	$31, %r8d
	xorl	$1, %r8d
	addl	%r8d, %eax
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$36, %r9
	jb	.LR2
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
