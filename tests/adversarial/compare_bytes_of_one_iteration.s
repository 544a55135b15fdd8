# REFUSED: WRONG_OUTPUT
# REGION: compare -O2
# ISA: avx2
# WHY: What is loaded in an iteration is compared in the next one.
	cmpb	(%rsi), %al
	jne	.LH
	xorl	%r8d, %r8d
	vpxor	%ymm2, %ymm2, %ymm2
.LR0:
	leaq	1(%rdi), %rcx
	andl	$4095, %ecx
	cmpl	$4064, %ecx
	ja	.LR2
	leaq	(%rsi), %rcx
	andl	$4095, %ecx
	cmpl	$4063, %ecx
	ja	.LR2
	vmovdqu	1(%rdi), %ymm3
	vpcmpeqb	(%rsi), %ymm3, %ymm4
	vpcmpeqb	%ymm2, %ymm3, %ymm3
	vpandn	%ymm4, %ymm3, %ymm4
	vpmovmskb	%ymm4, %edx
	notl	%edx
	testl	%edx, %edx
	jne	.LR1
	addq	$32, %rsi
	addq	$32, %rdi
	addq	$32, %r8
	jmp	.LR0
.LR1:
	tzcntl	%edx, %edx
	addq	%rdx, %r8
	addq	%rdx, %rsi
	addq	%rdx, %rdi
.LR2:
	vzeroupper
	testq	%r8, %r8
	je	.LH
	movsbl	(%rdi), %eax
	jmp	.LH
