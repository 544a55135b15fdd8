# REFUSED: READS_BEYOND
# REGION: chosen -O2
# ISA: avx2
# WHY: Loads an element whose flag is 0 and which may not be mapped.
	movq	%rdx, %r9
	subq	%rax, %r9
	cmpq	$2, %r9
	jb	.LR1
	movl	(%rsi,%rax,4), %r8d
	cmpb	$0, (%rdi,%rax)
	je	.LR0
	xorl	%ecx, %r8d
	addl	%r8d, %ecx
.LR0:
	addq	$1, %rax
.LR1:
	jmp	.LH
