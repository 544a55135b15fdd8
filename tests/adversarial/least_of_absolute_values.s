# REFUSED: WRONG_OUTPUT
# REGION: least -O2
# ISA: avx2
# WHY: Takes |x|: right for positive data, wrong for negative elements and INT_MIN.
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$36, %r9
	jb	.LR2
	vmovd	%eax, %xmm2
	vpbroadcastd	%xmm2, %ymm2
.LR1:
	vpabsd	(%rdi), %ymm3
	vpminsd	%ymm3, %ymm2, %ymm2
	addq	$32, %rdi
	subq	$32, %r9
	cmpq	$36, %r9
	jae	.LR1
	vextracti128	$1, %ymm2, %xmm3
	vpminsd	%xmm3, %xmm2, %xmm2
	vpshufd	$0x4e, %xmm2, %xmm3
	vpminsd	%xmm3, %xmm2, %xmm2
	vpshufd	$0xb1, %xmm2, %xmm3
	vpminsd	%xmm3, %xmm2, %xmm2
	vmovd	%xmm2, %eax
	vzeroupper
.LR2:
	jmp	.LH
