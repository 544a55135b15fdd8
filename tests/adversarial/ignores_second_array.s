# REFUSED: WRONG_EXIT
# REGION: mismatch -O2
# ISA: avx2
# WHY: Compares an element with 0 in place of the other array's.
	cmpl	$0, (%rdi,%rcx,4)
	jne	.LR0
	movl	$0, %edx
	jmp	.LX1
.LR0:
	jmp	.LH
