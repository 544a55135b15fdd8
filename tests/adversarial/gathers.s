# REFUSED: GATE_FORBIDDEN_INSTRUCTION
# REGION: sum -O2
# ISA: avx2
# WHY: A gather reads wherever its index lanes say.
	vpcmpeqd	%ymm3, %ymm3, %ymm3
	vpgatherdd	%ymm3, (%rdi,%ymm4,4), %ymm2
	vzeroupper
	jmp	.LH
