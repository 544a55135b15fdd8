# REFUSED: WRONG_OUTPUT
# REGION: fmap.1 -O3
# ISA: avx2
# WHY: NaN results are replaced by the default NaN: sign and payload are lost.
	movq	%rdi, %r9
	subq	%rax, %r9
	subq	$48, %r9
	jb	.LR1
	leaq	-1(%rcx), %r10
	subq	%rsi, %r10
	cmpq	$30, %r10
	jbe	.LR1
	vinsertf128	$1, %xmm3, %ymm3, %ymm4
	vinsertf128	$1, %xmm2, %ymm2, %ymm5
.LR0:
	vmovups	(%rsi,%rax), %ymm6
	vmulps	%ymm4, %ymm6, %ymm6
	vaddps	%ymm5, %ymm6, %ymm6
	vpslld	$1, %ymm6, %ymm7
	vpsrld	$1, %ymm7, %ymm7
	vpcmpeqd	%ymm8, %ymm8, %ymm8
	vpslld	$24, %ymm8, %ymm8
	vpsrld	$1, %ymm8, %ymm8
	vpcmpgtd	%ymm8, %ymm7, %ymm7
	vpsrld	$9, %ymm7, %ymm8
	vpslld	$22, %ymm8, %ymm8
	vpor	%ymm7, %ymm6, %ymm6
	vpsrld	$10, %ymm7, %ymm7
	vpandn	%ymm6, %ymm7, %ymm6
	vmovups	%ymm6, (%rcx,%rax)
	addq	$32, %rax
	subq	$32, %r9
	jae	.LR0
	vzeroupper
.LR1:
	jmp	.LH
