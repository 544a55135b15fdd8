# REFUSED: WRONG_OUTPUT
# REGION: bytes -O2
# ISA: avx2
# WHY: Sixteen-bit lanes overflow after 257 vectors of 0xff: only long arrays of high bytes show it.
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$33, %r9
	jb	.LR2
	vpxor	%xmm2, %xmm2, %xmm2
	vpxor	%xmm4, %xmm4, %xmm4
.LR1:
	vpmovzxbw	(%rdi), %ymm3
	vpaddw	%ymm3, %ymm2, %ymm2
	addq	$16, %rdi
	subq	$16, %r9
	cmpq	$33, %r9
	jae	.LR1
	vpunpckhwd	%ymm4, %ymm2, %ymm3
	vpunpcklwd	%ymm4, %ymm2, %ymm2
	vpaddd	%ymm3, %ymm2, %ymm2
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
