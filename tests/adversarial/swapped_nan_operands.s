# REFUSED: WRONG_OUTPUT
# REGION: fmap.1 -O3
# ISA: avx2
# WHY: The factors are exchanged: of two NaNs the other one's payload comes out.
	movq	%rdi, %r9
	subq	%rax, %r9
	cmpq	$32, %r9
	jb	.LR0
	vmovups	(%rsi,%rax), %xmm8
	vmulps	%xmm8, %xmm3, %xmm8
	vaddps	%xmm2, %xmm8, %xmm8
	vmovups	%xmm8, (%rcx,%rax)
	addq	$16, %rax
.LR0:
	jmp	.LH
