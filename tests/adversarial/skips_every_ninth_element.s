# REFUSED: WRONG_OUTPUT
# REGION: sum -O2
# ISA: avx2
# WHY: Each step advances nine elements and adds eight.
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$40, %r9
	jb	.LR2
	vpxor	%xmm2, %xmm2, %xmm2
.LR1:
	vpaddd	(%rdi), %ymm2, %ymm2
	addq	$36, %rdi
	subq	$36, %r9
	cmpq	$40, %r9
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
