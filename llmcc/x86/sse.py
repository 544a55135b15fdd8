"""The SSE and SSE2 instructions gcc emits (SSE3 to SSE4.2 where they take the same forms).

Source: Intel SDM vol. 2, operation and operand-encoding sections of each instruction.
"""

from __future__ import annotations

_PACKED_INTEGER = """
paddb paddw paddd paddq psubb psubw psubd psubq paddsb paddsw paddusb paddusw psubsb psubsw
psubusb psubusw pmullw pmulhw pmulhuw pmuludq pmaddwd psadbw pavgb pavgw pand pandn por pxor
pcmpeqb pcmpeqw pcmpeqd pcmpgtb pcmpgtw pcmpgtd pminub pmaxub pminsw pmaxsw psllw pslld
psllq psrlw psrld psrlq psraw psrad pslldq psrldq packsswb packssdw packuswb punpcklbw
punpcklwd punpckldq punpcklqdq punpckhbw punpckhwd punpckhdq punpckhqdq pmulld pmuldq
pmulhrsw pshufb phaddd phaddw pmaddubsw psignb psignw psignd palignr packusdw pcmpeqq
pcmpgtq pminsb pmaxsb pminuw pmaxuw pminud pmaxud pminsd pmaxsd pblendw pinsrw pinsrb pinsrd
pinsrq
"""
_PACKED_FLOAT = """
addps addpd subps subpd mulps mulpd divps divpd minps minpd maxps maxpd andps andpd andnps
andnpd orps orpd xorps xorpd cmpps cmppd cmpeqps cmpltps cmpleps cmpneqps cmpnltps cmpnleps
cmpordps cmpunordps cmpeqpd cmpltpd cmplepd cmpneqpd cmpnltpd cmpnlepd cmpordpd cmpunordpd
shufps shufpd unpcklps unpcklpd unpckhps unpckhpd movhlps movlhps haddps haddpd
"""
_SCALAR_FLOAT = """
addss addsd subss subsd mulss mulsd divss divsd minss minsd maxss maxsd sqrtss sqrtsd
cvtss2sd cvtsd2ss cvtsi2ss cvtsi2sd cvtsi2ssl cvtsi2ssq cvtsi2sdl cvtsi2sdq cmpss cmpsd
cmpeqss cmpltss cmpless cmpneqss cmpnltss cmpnless cmpordss cmpunordss cmpeqsd cmpltsd
cmplesd cmpneqsd cmpnltsd cmpnlesd cmpordsd cmpunordsd movhps movhpd movlps movlpd roundss
roundsd
"""
_WRITING = """
movdqa movdqu movaps movups movapd movupd movd movq lddqu pshufd pshuflw pshufhw cvtdq2ps
cvtdq2pd cvtps2dq cvttps2dq cvtps2pd cvtpd2ps cvttpd2dq cvtpd2dq sqrtps sqrtpd rcpps rsqrtps
movmskps movmskpd pmovmskb pextrw pextrb pextrd pextrq cvttss2si cvttsd2si cvtss2si cvtsd2si
cvttss2sil cvttss2siq cvttsd2sil cvttsd2siq cvtss2siq cvtsd2siq pabsb pabsw pabsd pmovzxbw
pmovzxbd pmovzxwd pmovzxdq pmovsxbw pmovsxbd pmovsxwd pmovsxdq movddup movshdup movsldup
roundps roundpd
"""

# last operand read and written
SSE_RMW = frozenset((_PACKED_INTEGER + _PACKED_FLOAT + _SCALAR_FLOAT).split())
# last operand wholly overwritten
SSE_WRITING = frozenset(_WRITING.split())
# a full write from memory, a merge into the low part from a register
SSE_MERGING = frozenset(("movss", "movsd"))
# both operands read, flags written
SSE_READ_ONLY = frozenset(("comiss", "comisd", "ucomiss", "ucomisd", "ptest"))

# bytes of the memory operand where it is not 16
SSE_MEMORY_BYTES = {
    **{
        name: 8 if name.endswith(("sd", "sdl", "sdq")) else 4
        for name in _SCALAR_FLOAT.split()
        if name.endswith(("ss", "sd"))
    },
    **dict.fromkeys(("movss", "movd", "comiss", "ucomiss", "cvtss2sd", "roundss"), 4),
    **dict.fromkeys(("cvttss2si", "cvttss2sil", "cvttss2siq", "cvtss2si", "cvtss2siq"), 4),
    **dict.fromkeys(("movsd", "movq", "comisd", "ucomisd", "cvtsd2ss", "roundsd"), 8),
    **dict.fromkeys(("cvttsd2si", "cvttsd2sil", "cvttsd2siq", "cvtsd2si", "cvtsd2siq"), 8),
    **dict.fromkeys(("movhps", "movhpd", "movlps", "movlpd", "cvtdq2pd", "cvtps2pd", "movddup"), 8),
    **dict.fromkeys(("cvtsi2ss", "cvtsi2sd", "cvtsi2ssl", "cvtsi2sdl"), 4),
    **dict.fromkeys(("cvtsi2ssq", "cvtsi2sdq"), 8),
    **dict.fromkeys(("pextrw", "pinsrw", "pmovzxbd", "pmovsxbd"), 2),
    **dict.fromkeys(("pextrb", "pinsrb"), 1),
    **dict.fromkeys(("pextrd", "pinsrd", "pmovzxbd", "pmovsxbd"), 4),
    **dict.fromkeys(("pextrq", "pinsrq"), 8),
    **dict.fromkeys(("pmovzxbw", "pmovzxwd", "pmovzxdq", "pmovsxbw", "pmovsxwd", "pmovsxdq"), 8),
}
