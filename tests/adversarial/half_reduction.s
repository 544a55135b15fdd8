# REFUSED: WRONG_OUTPUT
# REGION: sum -O2
# ISA: avx512
# WHY: The last fold of the lanes is missing: half of them are lost.
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$68, %r9
	jb	.LR2
	vpxord	%zmm16, %zmm16, %zmm16
.LR1:
	vpaddd	(%rdi), %zmm16, %zmm16
	addq	$64, %rdi
	subq	$64, %r9
	cmpq	$68, %r9
	jae	.LR1
	vextracti64x4	$1, %zmm16, %ymm17
	vpaddd	%ymm17, %ymm16, %ymm16
	vextracti32x4	$1, %ymm16, %xmm17
	vpaddd	%xmm17, %xmm16, %xmm16
	vpshufd	$0x4e, %xmm16, %xmm17
	vpaddd	%xmm17, %xmm16, %xmm16
	vmovd	%xmm16, %r10d
	addl	%r10d, %eax
.LR2:
	jmp	.LH
