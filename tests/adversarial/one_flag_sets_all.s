# REFUSED: WRONG_OUTPUT
# REGION: chosen -O2
# ISA: avx2
# WHY: Looks at eight flags as at one bit each.
.LR0:
	movq	%rdx, %r9
	subq	%rax, %r9
	cmpq	$9, %r9
	jb	.LR1
	movabsq	$0x0101010101010101, %r8
	testq	%r8, (%rdi,%rax)
	jne	.LR1
	addq	$8, %rax
	jmp	.LR0
.LR1:
	jmp	.LH
