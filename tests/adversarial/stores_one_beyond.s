# REFUSED: READS_BEYOND
# REGION: map -O2
# ISA: avx2
# WHY: Writes back the old value one element behind the end: faults where that is not mapped.
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
	movl	36(%rdi,%rax), %r10d
	vmovdqu	%ymm2, (%rdi,%rax)
	movl	%r10d, 36(%rdi,%rax)
	addq	$32, %rax
	jmp	.LR0
.LR2:
	vzeroupper
.LR1:
	jmp	.LH
