# REGION: map -O2
# ISA: avx2
	leaq	-1(%rdi), %r9
	subq	%rsi, %r9
	cmpq	$62, %r9
	jbe	.LR1
	movl	$-7, %r10d
	vmovd	%r10d, %xmm4
	vpbroadcastd	%xmm4, %ymm4
.LR0:
	movq	%rcx, %r9
	subq	%rax, %r9
	cmpq	$68, %r9
	jb	.LR2
	vmovdqu	(%rsi,%rax), %ymm2
	vmovdqu	32(%rsi,%rax), %ymm5
	vpslld	$2, %ymm2, %ymm3
	vpslld	$2, %ymm5, %ymm6
	vpaddd	%ymm3, %ymm2, %ymm2
	vpaddd	%ymm6, %ymm5, %ymm5
	vpaddd	%ymm4, %ymm2, %ymm2
	vpaddd	%ymm4, %ymm5, %ymm5
	vmovdqu	%ymm2, (%rdi,%rax)
	vmovdqu	%ymm5, 32(%rdi,%rax)
	addq	$64, %rax
	jmp	.LR0
.LR2:
	vzeroupper
.LR1:
	jmp	.LH
