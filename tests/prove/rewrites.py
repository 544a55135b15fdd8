"""Right AVX2 rewrites of the loops of tests/verify/loops.c at -O2, to be proved or broken."""

from __future__ import annotations

BITS = """\
\tpopcntq\t%rdi, %rax
\tsubq\t$1, %rax
\tjbe\t.LH
\taddl\t%eax, %edx
\tmovl\t$1, %edi
\tjmp\t.LH
"""
SUM = """\
\tmovq\t%rsi, %r9
\tsubq\t%rdi, %r9
\tcmpq\t$36, %r9
\tjb\t.LR2
\tvpxor\t%ymm2, %ymm2, %ymm2
.LR1:
\tvpaddd\t(%rdi), %ymm2, %ymm2
\taddq\t$32, %rdi
\tsubq\t$32, %r9
\tcmpq\t$36, %r9
\tjae\t.LR1
\tvextracti128\t$1, %ymm2, %xmm3
\tvpaddd\t%xmm3, %xmm2, %xmm2
\tvpshufd\t$0x4e, %xmm2, %xmm3
\tvpaddd\t%xmm3, %xmm2, %xmm2
\tvpshufd\t$0xb1, %xmm2, %xmm3
\tvpaddd\t%xmm3, %xmm2, %xmm2
\tvmovd\t%xmm2, %r10d
\taddl\t%r10d, %eax
\tvzeroupper
.LR2:
\tjmp\t.LH
"""
MAP = """\
\tmovq\t%rdi, %r9
\tsubq\t%rsi, %r9
\tleaq\t31(%r9), %r10
\tcmpq\t$62, %r10
\tjbe\t.LR1
\tmovl\t$-7, %r10d
\tvmovd\t%r10d, %xmm4
\tvpbroadcastd\t%xmm4, %ymm4
.LR0:
\tmovq\t%rcx, %r9
\tsubq\t%rax, %r9
\tcmpq\t$36, %r9
\tjb\t.LR1
\tvmovdqu\t(%rsi,%rax), %ymm2
\tvpslld\t$2, %ymm2, %ymm3
\tvpaddd\t%ymm2, %ymm3, %ymm2
\tvpaddd\t%ymm4, %ymm2, %ymm2
\tvmovdqu\t%ymm2, (%rdi,%rax)
\taddq\t$32, %rax
\tjmp\t.LR0
.LR1:
\tvzeroupper
\tjmp\t.LH
"""
FIND = """\
\tvmovd\t%edx, %xmm2
\tvpbroadcastd\t%xmm2, %ymm2
.LR0:
\tmovq\t%rsi, %r9
\tsubq\t%rax, %r9
\tcmpq\t$9, %r9
\tjb\t.LR1
\tleaq\t(%rdi,%rax,4), %r10
\tandl\t$4095, %r10d
\tcmpl\t$4064, %r10d
\tja\t.LR1
\tvpcmpeqd\t(%rdi,%rax,4), %ymm2, %ymm3
\tvpmovmskb\t%ymm3, %r10d
\ttestl\t%r10d, %r10d
\tjne\t.LR2
\taddq\t$8, %rax
\tjmp\t.LR0
.LR2:
\ttzcntl\t%r10d, %r10d
\tshrl\t$2, %r10d
\taddq\t%r10, %rax
.LR1:
\tvzeroupper
\tjmp\t.LH
"""
CAP = """\
\tvmovd\t%edx, %xmm2
\tvpbroadcastd\t%xmm2, %ymm2
.LR0:
\tmovq\t%rax, %r9
\tsubq\t%rdi, %r9
\tcmpq\t$36, %r9
\tjb\t.LR1
\tvmovdqu\t(%rdi), %ymm3
\tvpcmpgtd\t%ymm2, %ymm3, %ymm3
\tvpmaskmovd\t%ymm2, %ymm3, (%rdi)
\taddq\t$32, %rdi
\tjmp\t.LR0
.LR1:
\tvzeroupper
\tjmp\t.LH
"""
FMAP = """\
\tmovq\t%rdi, %r9
\tsubq\t%rsi, %r9
\tleaq\t31(%r9), %r10
\tcmpq\t$62, %r10
\tjbe\t.LR1
\tvbroadcastss\t%xmm0, %ymm3
\tvbroadcastss\t%xmm2, %ymm4
.LR0:
\tmovq\t%rdx, %r9
\tsubq\t%rax, %r9
\tcmpq\t$36, %r9
\tjb\t.LR1
\tvmovups\t(%rsi,%rax), %ymm5
\tvmulps\t%ymm3, %ymm5, %ymm5
\tvaddps\t%ymm4, %ymm5, %ymm5
\tvmovups\t%ymm5, (%rdi,%rax)
\taddq\t$32, %rax
\tjmp\t.LR0
.LR1:
\tvzeroupper
\tjmp\t.LH
"""
