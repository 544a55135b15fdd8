# REFUSED: WRONG_FP_FLAGS
# REGION: smallest -O2
# ISA: avx2
# WHY: Skips elements by an integer compare, which raises no flag for NaN or denormals.
	movq	%rsi, %r9
	subq	%rdi, %r9
	cmpq	$8, %r9
	jb	.LR0
	movd	%xmm0, %ecx
	testl	%ecx, %ecx
	js	.LR0
	cmpl	$0x7f800000, %ecx
	ja	.LR0
	cmpl	%ecx, (%rdi)
	jl	.LR0
	addq	$4, %rdi
.LR0:
	jmp	.LH
