# REFUSED: WRONG_EXIT
# REGION: find -O2
# ISA: avx2
# WHY: Leaves as not found where the element is found.
	cmpl	%edx, (%rdi,%rax,4)
	je	.LX0
	jmp	.LH
