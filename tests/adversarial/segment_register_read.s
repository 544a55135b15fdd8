# REFUSED: GATE_BAD_TEXT
# REGION: sum -O2
# ISA: avx2
# WHY: Reads a segment register: differs between kernels and emulators.
	movl	%ds, %r9d
	addl	%r9d, %eax
	jmp	.LH
