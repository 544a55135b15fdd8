# REGION: find -O2
# ISA: avx2
	leaq	(%rdi,%rax,4), %rcx
	testb	$3, %cl
	jne	.LR3
	movq	%rsi, %r9
	subq	%rax, %r9
	subq	$1, %r9
	je	.LR3
	shlq	$2, %r9
	movl	%ecx, %r8d
	andl	$31, %r8d
	andq	$-32, %rcx
	vmovd	%edx, %xmm2
	vpbroadcastd	%xmm2, %ymm2
	vpcmpeqd	(%rcx), %ymm2, %ymm3
	vpmovmskb	%ymm3, %r10d
	shrxl	%r8d, %r10d, %r10d
	shlxl	%r8d, %r10d, %r10d
	negq	%r8
	testl	%r10d, %r10d
	jne	.LR1
.LR0:
	addq	$32, %r8
	cmpq	%r9, %r8
	jg	.LR2
	addq	$32, %rcx
	vpcmpeqd	(%rcx), %ymm2, %ymm3
	vpmovmskb	%ymm3, %r10d
	testl	%r10d, %r10d
	je	.LR0
.LR1:
	tzcntl	%r10d, %r10d
	addq	%r10, %r8
.LR2:
	cmpq	%r9, %r8
	cmovg	%r9, %r8
	sarq	$2, %r8
	addq	%r8, %rax
	vzeroupper
.LR3:
	jmp	.LH
