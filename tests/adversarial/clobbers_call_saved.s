# REFUSED: GATE_CLOBBERS
# REGION: sum -O2
# ISA: avx512
# WHY: Writes rbx, which belongs to the caller.
	movq	%rsi, %rbx
	subq	%rdi, %rbx
	cmpq	$68, %rbx
	jb	.LR2
	vpxord	%zmm16, %zmm16, %zmm16
.LR1:
	vpaddd	(%rdi), %zmm16, %zmm16
	addq	$64, %rdi
	subq	$64, %rbx
	cmpq	$68, %rbx
	jae	.LR1
	vextracti64x4	$1, %zmm16, %ymm17
	vpaddd	%ymm17, %ymm16, %ymm16
	vextracti32x4	$1, %ymm16, %xmm17
	vpaddd	%xmm17, %xmm16, %xmm16
	vpshufd	$0x4e, %xmm16, %xmm17
	vpaddd	%xmm17, %xmm16, %xmm16
	vpshufd	$0xb1, %xmm16, %xmm17
	vpaddd	%xmm17, %xmm16, %xmm16
	vmovd	%xmm16, %r10d
	addl	%r10d, %eax
.LR2:
	jmp	.LH
