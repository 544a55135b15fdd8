# REFUSED: WRONG_EXIT
# REGION: mismatch -O2
# ISA: avx512
	cmpl	$0, (%rdi,%rcx,4)
	jne	.LR0
	movl	$0, %edx
	jmp	.LX1
.LR0:
	jmp	.LH
