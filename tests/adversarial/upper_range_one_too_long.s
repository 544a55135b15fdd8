# REFUSED: WRONG_OUTPUT
# REGION: upper -O2
# ISA: avx2
# WHY: Takes the character behind z for a letter.
	movzbl	(%rdi), %eax
	testb	%al, %al
	je	.LR1
	leal	-97(%rax), %edx
	cmpb	$26, %dl
	ja	.LR0
	subl	$32, %eax
	movb	%al, (%rdi)
.LR0:
	addq	$1, %rdi
.LR1:
	jmp	.LH
