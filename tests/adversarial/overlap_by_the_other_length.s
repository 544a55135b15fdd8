# REFUSED: WRONG_OUTPUT
# REGION: evens -O2
# ISA: avx2
# WHY: The check takes the loads for as long as the stores, and they are twice as long.
	movq	%rdx, %rcx
	subq	%rax, %rcx
	leaq	(%rdi,%rax,4), %r8
	leaq	(%rsi,%rax,8), %r9
	leaq	(%r8,%rcx,4), %r10
	cmpq	%r10, %r9
	jae	.LR0
	leaq	(%r9,%rcx,4), %r10
	cmpq	%r10, %r8
	jb	.LH
.LR0:
	cmpq	$5, %rcx
	jb	.LR1
	vmovdqu	(%rsi,%rax,8), %ymm2
	vpshufd	$8, %ymm2, %ymm2
	vpermq	$8, %ymm2, %ymm2
	vmovdqu	%xmm2, (%rdi,%rax,4)
	addq	$4, %rax
	subq	$4, %rcx
	jmp	.LR0
.LR1:
	vzeroupper
	jmp	.LH
