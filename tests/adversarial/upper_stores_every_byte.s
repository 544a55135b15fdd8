# REFUSED: WRITES_BEYOND
# REGION: upper -O2
# ISA: avx2
# WHY: Stores each byte of the string, also those that are no letters.
	movzbl	(%rdi), %eax
	testb	%al, %al
	je	.LR0
	leal	-97(%rax), %edx
	leal	-32(%rax), %ecx
	cmpb	$26, %dl
	cmovb	%ecx, %eax
	movb	%al, (%rdi)
	addq	$1, %rdi
.LR0:
	jmp	.LH
