# REFUSED: READS_BEYOND
# REGION: mismatch -O2
# ISA: avx2
# WHY: Only one of the two arrays is kept off the end of its page.
	movq	%rax, %r8
	subq	%rcx, %r8
	subq	$1, %r8
	je	.LR4
.LR0:
	leaq	(%rdi,%rcx,4), %r9
	andl	$4095, %r9d
	cmpl	$4064, %r9d
	ja	.LR3
	vmovdqu	(%rsi,%rcx,4), %ymm2
	vpcmpeqd	(%rdi,%rcx,4), %ymm2, %ymm2
	vpmovmskb	%ymm2, %r9d
	notl	%r9d
	testl	%r9d, %r9d
	jne	.LR1
	cmpq	$8, %r8
	jbe	.LR2
	addq	$8, %rcx
	subq	$8, %r8
	jmp	.LR0
.LR1:
	tzcntl	%r9d, %r9d
	shrl	$2, %r9d
	cmpq	%r9, %r8
	cmova	%r9, %r8
.LR2:
	addq	%r8, %rcx
.LR3:
	vzeroupper
.LR4:
	jmp	.LH
