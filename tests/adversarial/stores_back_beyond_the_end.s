# REFUSED: WRITES_BEYOND
# REGION: map -O2
# ISA: avx2
# WHY: Writes back the old value behind the end where no page ends: a race with its owner.
	leaq	-1(%rdi), %r9
	subq	%rsi, %r9
	cmpq	$30, %r9
	jbe	.LR1
	movl	$-7, %r10d
	vmovd	%r10d, %xmm4
	vpbroadcastd	%xmm4, %ymm4
.LR0:
	movq	%rcx, %r9
	subq	%rax, %r9
	cmpq	$36, %r9
	jb	.LR2
	vmovdqu	(%rsi,%rax), %ymm2
	vpslld	$2, %ymm2, %ymm3
	vpaddd	%ymm3, %ymm2, %ymm2
	vpaddd	%ymm4, %ymm2, %ymm2
	vmovdqu	%ymm2, (%rdi,%rax)
	leaq	36(%rdi,%rax), %r10
	testl	$0xffc, %r10d
	je	.LR3
	testb	$3, %r10b
	jne	.LR3
	movl	(%r10), %r11d
	movl	%r11d, (%r10)
.LR3:
	addq	$32, %rax
	jmp	.LR0
.LR2:
	vzeroupper
.LR1:
	jmp	.LH
