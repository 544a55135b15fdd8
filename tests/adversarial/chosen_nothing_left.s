# REFUSED: READS_BEYOND
# REGION: chosen -O2
# ISA: avx2
# WHY: May skip the last flag as well: nothing is left for gcc's loop.
.LR0:
	movq	%rdx, %r9
	subq	%rax, %r9
	cmpq	$8, %r9
	jb	.LR1
	cmpq	$0, (%rdi,%rax)
	jne	.LR1
	addq	$8, %rax
	jmp	.LR0
.LR1:
	jmp	.LH
