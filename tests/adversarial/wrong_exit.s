# REFUSED: WRONG_EXIT
# REGION: find -O2
# ISA: avx512
	cmpl	%edx, (%rdi,%rax,4)
	je	.LX0
	jmp	.LH
