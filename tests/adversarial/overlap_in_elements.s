# REFUSED: WRONG_OUTPUT
# REGION: map -O2
# ISA: avx2
# WHY: The check counts 7 where 28 bytes overlap: elements taken for bytes.
	leaq	-1(%rdi), %r9
	subq	%rsi, %r9
	cmpq	$6, %r9
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
	addq	$32, %rax
	jmp	.LR0
.LR2:
	vzeroupper
.LR1:
	jmp	.LH
