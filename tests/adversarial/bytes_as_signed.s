# REFUSED: WRONG_OUTPUT
# REGION: bytes -O2
# ISA: avx2
# WHY: Unsigned bytes are summed as signed ones.
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$33, %r9
	jb	.LR2
	vpxor	%xmm2, %xmm2, %xmm2
	vpxor	%xmm4, %xmm4, %xmm4
.LR1:
	vpmovsxbd	(%rdi), %ymm3
	vpsadbw	%ymm4, %ymm4, %ymm5
	vpaddd	%ymm3, %ymm2, %ymm2
	addq	$8, %rdi
	subq	$8, %r9
	cmpq	$33, %r9
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
