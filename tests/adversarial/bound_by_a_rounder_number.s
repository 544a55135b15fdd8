# REFUSED: READS_BEYOND
# REGION: fixed -O2
# ISA: avx2
# WHY: Counts to 1,024 where gcc's loop counts to 1,000.
.LR0:
	cmpl	%esi, (%rdi,%rax,4)
	je	.LR1
	addq	$1, %rax
	cmpq	$1024, %rax
	jb	.LR0
	jmp	.LX0
.LR1:
	jmp	.LX1
