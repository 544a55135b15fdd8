# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: cap -O2
# ISA: avx512
# WHY: Stores whole vectors, old values included, where gcc's loop stores some elements.
	vpbroadcastd	%edx, %zmm16
.LR0:
	movq	%rax, %r9
	subq	%rdi, %r9
	cmpq	$68, %r9
	jb	.LR1
	vpminsd	(%rdi), %zmm16, %zmm17
	vmovdqu32	%zmm17, (%rdi)
	addq	$64, %rdi
	jmp	.LR0
.LR1:
	jmp	.LH
