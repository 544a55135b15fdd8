# REFUSED: GATE_CLOBBERS
# REGION: sum -O2
# ISA: avx2
# WHY: The second of mulx's two results goes to a register it may not write.
	mulxq	%r9, %r10, %rsi
	jmp	.LH
