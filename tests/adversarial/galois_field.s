# REFUSED: GATE_DOES_NOT_ASSEMBLE
# REGION: sum -O2
# ISA: avx2
# WHY: A feature the CPU check does not ask for.
	vgf2p8mulb	%ymm2, %ymm2, %ymm2
	vzeroupper
	jmp	.LH
