"""Instructions a rewrite may hold: everything not listed here is forbidden.

Names as capstone spells them (Intel syntax). Only instructions that read and write general, vector
and mask registers and ordinary memory: no system, string, stack, segment, time or locked
instructions, no non-temporal stores, gathers or scatters, nothing that changes MXCSR's control, and
no bsf or bsr, whose result for 0 differs between CPUs (tzcnt's and lzcnt's does not).
Source: Intel SDM vol. 2; feature names as in `toolchain.MARCH`.
"""

from __future__ import annotations

_CONDITIONS = "a ae b be e g ge l le ne no np ns o p s".split()

INTEGER = frozenset(
    """
    mov movabs movzx movsx movsxd lea add sub adc sbb and or xor not neg inc dec cmp test
    shl sal shr sar rol ror shld shrd imul mul div idiv bswap bt
    cdqe cwde cdq cqo cbw cwd nop
    popcnt lzcnt tzcnt andn bextr blsi blsmsk blsr bzhi mulx pdep pext rorx sarx shlx shrx
    """.split()
) | frozenset(name + condition for name in ("set", "cmov") for condition in _CONDITIONS)

JUMPS = frozenset("j" + condition for condition in _CONDITIONS)

# With and without the leading v.
_SSE = """
    movd movq movdqa movdqu movups movupd movaps movapd movss movsd movhps movlps movhpd movlpd
    movhlps movlhps movmskps movmskpd movddup movshdup movsldup lddqu
    paddb paddw paddd paddq paddsb paddsw paddusb paddusw psubb psubw psubd psubq psubsb psubsw
    psubusb psubusw pmullw pmulld pmulhw pmulhuw pmuludq pmuldq pmaddwd pmaddubsw pavgb pavgw
    pminub pminuw pminud pminsb pminsw pminsd pmaxub pmaxuw pmaxud pmaxsb pmaxsw pmaxsd
    pand pandn por pxor andps andpd andnps andnpd orps orpd xorps xorpd ptest testps testpd
    pcmpeqb pcmpeqw pcmpeqd pcmpeqq pcmpgtb pcmpgtw pcmpgtd pcmpgtq
    psllw pslld psllq psrlw psrld psrlq psraw psrad pslldq psrldq
    pshufb pshufd pshufhw pshuflw shufps shufpd palignr pblendw pblendvb blendps blendpd
    blendvps blendvpd
    punpcklbw punpcklwd punpckldq punpcklqdq punpckhbw punpckhwd punpckhdq punpckhqdq
    unpcklps unpcklpd unpckhps unpckhpd packsswb packssdw packuswb packusdw
    pabsb pabsw pabsd psignb psignw psignd psadbw phaddw phaddd phsubw phsubd haddps haddpd
    pmovmskb pmovsxbw pmovsxbd pmovsxbq pmovsxwd pmovsxwq pmovsxdq
    pmovzxbw pmovzxbd pmovzxbq pmovzxwd pmovzxwq pmovzxdq
    pextrb pextrw pextrd pextrq pinsrb pinsrw pinsrd pinsrq extractps insertps
    addps addpd addss addsd subps subpd subss subsd mulps mulpd mulss mulsd divps divpd divss divsd
    minps minpd minss minsd maxps maxpd maxss maxsd sqrtps sqrtpd sqrtss sqrtsd
    cmpps cmppd cmpss cmpsd comiss comisd ucomiss ucomisd roundps roundpd roundss roundsd
    cvtdq2ps cvtdq2pd cvtps2dq cvttps2dq cvtpd2dq cvttpd2dq cvtps2pd cvtpd2ps cvtss2sd cvtsd2ss
    cvtsi2ss cvtsi2sd cvtss2si cvtsd2si cvttss2si cvttsd2si
""".split()
# The 32 predicates of VCMPPS as capstone spells them (SDM vol. 2, table 3-1).
_COMPARES = """
    eq lt le unord neq nlt nle ord eq_uq nge ngt false neq_oq ge gt true
    eq_os lt_oq le_oq unord_s neq_us nlt_uq nle_uq ord_s
    eq_us nge_uq ngt_uq false_os neq_os ge_oq gt_oq true_us
""".split()

_AVX = """
    vzeroupper vbroadcastss vbroadcastsd vbroadcastf128 vbroadcasti128
    vpbroadcastb vpbroadcastw vpbroadcastd vpbroadcastq
    vinsertf128 vinserti128 vextractf128 vextracti128 vperm2f128 vperm2i128
    vpermilps vpermilpd vpermd vpermq vpermps vpermpd vpblendd
    vpsllvd vpsllvq vpsrlvd vpsrlvq vpsravd vpmaskmovd vpmaskmovq vmaskmovps vmaskmovpd
""".split()

_AVX512 = """
    vmovdqa32 vmovdqa64 vmovdqu8 vmovdqu16 vmovdqu32 vmovdqu64
    vpandd vpandq vpandnd vpandnq vpord vporq vpxord vpxorq vpternlogd vpternlogq
    vpblendmb vpblendmw vpblendmd vpblendmq vblendmps vblendmpd
    vptestmb vptestmw vptestmd vptestmq vptestnmb vptestnmw vptestnmd vptestnmq
    vpmovm2b vpmovm2w vpmovm2d vpmovm2q vpmovb2m vpmovw2m vpmovd2m vpmovq2m
    vpminsq vpminuq vpmaxsq vpmaxuq vpabsq vpmullq vpsraq vpsravq vpsravw vpsllvw vpsrlvw
    vprold vprolq vprord vprorq vprolvd vprolvq vprorvd vprorvq
    vpermw vpermt2w vpermt2d vpermt2q vpermt2ps vpermt2pd
    vpermi2w vpermi2d vpermi2q vpermi2ps vpermi2pd
    valignd valignq vshuff32x4 vshuff64x2 vshufi32x4 vshufi64x2
    vbroadcastf32x2 vbroadcastf32x4 vbroadcastf32x8 vbroadcastf64x2 vbroadcastf64x4
    vbroadcasti32x2 vbroadcasti32x4 vbroadcasti32x8 vbroadcasti64x2 vbroadcasti64x4
    vextractf32x4 vextractf32x8 vextractf64x2 vextractf64x4
    vextracti32x4 vextracti32x8 vextracti64x2 vextracti64x4
    vinsertf32x4 vinsertf32x8 vinsertf64x2 vinsertf64x4
    vinserti32x4 vinserti32x8 vinserti64x2 vinserti64x4
    vpmovwb vpmovdb vpmovdw vpmovqb vpmovqw vpmovqd vpmovswb vpmovsdb vpmovsdw
    vpmovsqb vpmovsqw vpmovsqd
    vpmovuswb vpmovusdb vpmovusdw vpmovusqb vpmovusqw vpmovusqd
    vpcompressd vpcompressq vcompressps vcompresspd vpexpandd vpexpandq vexpandps vexpandpd
    vdbpsadbw vrndscaleps vrndscalepd vrndscaless vrndscalesd
    vcvtudq2ps vcvtudq2pd vcvtps2udq vcvttps2udq vcvtqq2pd vcvtqq2ps vcvttps2qq vcvttpd2qq
""".split()
_MASKS = [
    name + width
    for name in ("kmov kand kandn kor kxor kxnor knot kadd kortest ktest kshiftl kshiftr".split())
    for width in "bwdq"
] + ["kunpckbw", "kunpckwd", "kunpckdq"]
# vpcmp with its predicate in the name: capstone writes vpcmpltd, vpcmpnequb, …
_PREDICATED = [
    f"vpcmp{predicate}{sign}{width}"
    for predicate in ("", "eq", "lt", "le", "neq", "nlt", "nle", "ne", "false", "true")
    for sign in ("", "u")
    for width in "bwdq"
]

VECTOR = (
    frozenset(_SSE)
    | frozenset("v" + name for name in _SSE)
    | frozenset(
        f"{v}cmp{c}{w}" for v in ("", "v") for c in _COMPARES for w in ("ps", "pd", "ss", "sd")
    )
    | frozenset(_AVX)
    | frozenset(_AVX512)
    | frozenset(_MASKS)
    | frozenset(_PREDICATED)
)

ALLOWED = INTEGER | VECTOR | JUMPS | {"jmp"}

# The first operand of these is only read.
READ_ONLY = frozenset(
    "cmp test bt ptest vptest vtestps vtestpd comiss comisd ucomiss ucomisd".split()
    + "vcomiss vcomisd vucomiss vucomisd nop mul div idiv".split()
    + [f"{name}{width}" for name in ("kortest", "ktest") for width in "bwdq"]
)
