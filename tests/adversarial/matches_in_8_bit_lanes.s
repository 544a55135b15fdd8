# REFUSED: WRONG_OUTPUT
# REGION: matches -O2
# ISA: avx2
# WHY: Byte counters wrap after 256 hits in a lane: only arrays of over 8,192 bytes show it.
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$33, %r9
	jb	.LR2
	vmovd	%edx, %xmm2
	vpbroadcastb	%xmm2, %ymm2
	vpxor	%xmm4, %xmm4, %xmm4
	vpxor	%xmm5, %xmm5, %xmm5
.LR1:
	vpcmpeqb	(%rdi), %ymm2, %ymm3
	vpsubb	%ymm3, %ymm4, %ymm4
	addq	$32, %rdi
	subq	$32, %r9
	cmpq	$33, %r9
	jae	.LR1
	vpsadbw	%ymm4, %ymm5, %ymm4
	vextracti128	$1, %ymm4, %xmm3
	vpaddq	%xmm3, %xmm4, %xmm4
	vpshufd	$0x4e, %xmm4, %xmm3
	vpaddq	%xmm3, %xmm4, %xmm4
	vmovd	%xmm4, %ecx
	addl	%ecx, %eax
	vzeroupper
.LR2:
	jmp	.LH
