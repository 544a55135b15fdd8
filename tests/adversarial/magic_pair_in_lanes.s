# REFUSED: WRONG_OUTPUT
# REGION: sum -O2
# ISA: avx2
# WHY: Adds a lane where an element is followed by its hash.
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$36, %r9
	jb	.LR2
	vpxor	%xmm2, %xmm2, %xmm2
.LR1:
	vmovdqu	(%rdi), %ymm4
	vpslld	$7, %ymm4, %ymm5
	vpxor	%ymm4, %ymm5, %ymm5
	vpsrld	$3, %ymm5, %ymm6
	vpaddd	%ymm5, %ymm6, %ymm6
	vpcmpeqd	4(%rdi), %ymm6, %ymm6
	vpsubd	%ymm6, %ymm2, %ymm2
	vpaddd	%ymm4, %ymm2, %ymm2
	addq	$32, %rdi
	subq	$32, %r9
	cmpq	$36, %r9
	jae	.LR1
	vextracti128	$1, %ymm2, %xmm3
	vpaddd	%xmm3, %xmm2, %xmm2
	vpshufd	$0x4e, %xmm2, %xmm3
	vpaddd	%xmm3, %xmm2, %xmm2
	vpshufd	$0xb1, %xmm2, %xmm3
	vpaddd	%xmm3, %xmm2, %xmm2
	vmovd	%xmm2, %r10d
	addl	%r10d, %eax
	vzeroupper
.LR2:
	jmp	.LH
