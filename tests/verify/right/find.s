	vpbroadcastd %edx, %zmm16
	leaq (%rdi,%rax,4), %r9
	testl $3, %r9d
	jne .LR2
	andl $63, %r9d
	shrl $2, %r9d
	movl $16, %r10d
	subl %r9d, %r10d
	movq %rsi, %r11
	subq %rax, %r11
	cmpq $32, %r11
	jb .LR2
.LR0:
	cmpl %edx, (%rdi,%rax,4)
	je .LR2
	addq $1, %rax
	subl $1, %r10d
	jne .LR0
.LR1:
	movq %rsi, %r11
	subq %rax, %r11
	cmpq $17, %r11
	jb .LR2
	vpcmpeqd (%rdi,%rax,4), %zmm16, %k1
	kortestw %k1, %k1
	jne .LR2
	addq $16, %rax
	jmp .LR1
.LR2:
	jmp .LH
