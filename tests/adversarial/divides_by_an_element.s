# REFUSED: CRASHED
# REGION: least -O2
# ISA: avx2
# WHY: Divides by the first element and throws the result away: faults where it is 0.
	movq	%rsi, %r9
	subq	%rdi, %r9
	movl	%eax, %r8d
	xorl	%edx, %edx
	divl	(%rdi)
	movl	%r8d, %eax
	cmpq	$36, %r9
	jb	.LR2
	vmovd	%eax, %xmm2
	vpbroadcastd	%xmm2, %ymm2
.LR1:
	vpminsd	(%rdi), %ymm2, %ymm2
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
