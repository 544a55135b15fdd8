# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Loads a segment register: thread-local storage is lost.
	movl	$0, %r9d
	movl	%r9d, %gs
	jmp	.LH
