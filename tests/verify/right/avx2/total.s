# REGION: total -O2
# ISA: avx2
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$36, %r9
	jb	.LR2
	vpxor	%xmm8, %xmm8, %xmm8
.LR1:
	vpaddd	(%rdi), %ymm8, %ymm8
	addq	$32, %rdi
	subq	$32, %r9
	cmpq	$36, %r9
	jae	.LR1
	vextracti128	$1, %ymm8, %xmm9
	vpaddd	%xmm9, %xmm8, %xmm8
	vpshufd	$0x4e, %xmm8, %xmm9
	vpaddd	%xmm9, %xmm8, %xmm8
	vpshufd	$0xb1, %xmm8, %xmm9
	vpaddd	%xmm9, %xmm8, %xmm8
	vmovd	%xmm8, %r10d
	addl	%r10d, %eax
	vzeroupper
.LR2:
	jmp	.LH
