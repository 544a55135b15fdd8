# REFUSED: READS_BEYOND
# REGION: last -O2
# ISA: avx2
# WHY: The index is tested at 64 bits where gcc tests 32: garbage above it keeps the loop alive.
.LR0:
	cmpl	%edx, (%rdi,%rax,4)
	je	.LR1
	leaq	-1(%rax), %r9
	testq	%r9, %r9
	js	.LR1
	movq	%r9, %rax
	jmp	.LR0
.LR1:
	jmp	.LH
