# REFUSED: WRONG_OUTPUT
# REGION: fmap.1 -O3
# ISA: avx2
# WHY: The factors are exchanged: of two NaNs the other one's payload comes out.
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
	vmulps	%ymm6, %ymm4, %ymm6
	vaddps	%ymm5, %ymm6, %ymm6
	vmovups	%ymm6, (%rcx,%rax)
	addq	$32, %rax
	subq	$32, %r9
	jae	.LR0
	vzeroupper
.LR1:
	jmp	.LH
