# REFUSED: GATE_READS_UNSET
# REGION: sum -O2
# ISA: avx512
# WHY: A mask register that was never set selects the lanes.
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$68, %r9
	jb	.LR0
	vmovdqu32	(%rdi), %zmm16{%k1}{z}
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
	addq	$64, %rdi
.LR0:
	jmp	.LH
