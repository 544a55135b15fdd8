"""The mnemonics the model can read and write, as a closed list.

The list is generous on purpose: a word outside it makes the backend answer nothing, while a word
that training never showed costs one unused row of the embedding. Whether a rewrite may *use* an
instruction is the gate's business, not this file's.
Source: Intel SDM vol. 2; spellings are those of the GNU assembler.
"""

from __future__ import annotations

from collections.abc import Iterable

CONDITIONS = "o no b c nae ae nb nc e z ne nz be na a nbe s ns p np l nge ge nl le ng g nle".split()
_SIZED = "mov add sub and or xor cmp test adc sbb inc dec neg not shl sal shr sar rol ror".split()
_WORD_SIZED = "lea imul bsf bsr bt bts btr btc popcnt lzcnt tzcnt shld shrd movbe".split()
_LONG_SIZED = "andn bextr blsi blsr blsmsk bzhi pdep pext mulx rorx sarx shlx shrx bswap".split()
_FIXED = """
    jmp nop ret rep lock cltq cwtl cltd cqto cbtw cwtd movabsq movzbl movzbw movzbq movzwl movzwq
    movsbl movsbw movsbq movswl movswq movslq mull mulq divl divq idivl idivq xchgl xchgq xaddl
    xaddq crc32b crc32w crc32l crc32q stosb stosl stosq movsl cmpsb scasb adcx adox jrcxz stc clc
    cmc prefetcht0 prefetchnta endbr64 vzeroupper
""".split()

# Legacy SSE spellings; each also exists with a leading "v".
_SSE = """
    movd movq movss movsd movaps movapd movups movupd movdqa movdqu movhps movhpd movlps movlpd
    movhlps movlhps movddup movshdup movsldup movmskps movmskpd pmovmskb movntdq lddqu
    paddb paddw paddd paddq psubb psubw psubd psubq paddsb paddsw paddusb paddusw psubsb psubsw
    psubusb psubusw pmullw pmulld pmulhw pmulhuw pmulhrsw pmuludq pmuldq pmaddwd pmaddubsw psadbw
    pavgb pavgw pabsb pabsw pabsd psignb psignw psignd phaddw phaddd phsubd
    pminub pminuw pminud pminsb pminsw pminsd pmaxub pmaxuw pmaxud pmaxsb pmaxsw pmaxsd
    pand pandn por pxor ptest pcmpeqb pcmpeqw pcmpeqd pcmpeqq pcmpgtb pcmpgtw pcmpgtd pcmpgtq
    psllw pslld psllq psrlw psrld psrlq psraw psrad pslldq psrldq palignr pshufb pshufd pshuflw
    pshufhw punpcklbw punpcklwd punpckldq punpcklqdq punpckhbw punpckhwd punpckhdq punpckhqdq
    packsswb packssdw packuswb packusdw pmovsxbw pmovsxbd pmovsxbq pmovsxwd pmovsxwq pmovsxdq
    pmovzxbw pmovzxbd pmovzxbq pmovzxwd pmovzxwq pmovzxdq pblendw pblendvb blendps blendpd blendvps
    blendvpd pinsrb pinsrw pinsrd pinsrq pextrb pextrw pextrd pextrq insertps extractps
    shufps shufpd unpcklps unpcklpd unpckhps unpckhpd andps andpd andnps andnpd orps orpd xorps
    xorpd addps addpd addss addsd subps subpd subss subsd mulps mulpd mulss mulsd divps divpd divss
    divsd minps minpd minss minsd maxps maxpd maxss maxsd sqrtps sqrtpd sqrtss sqrtsd haddps haddpd
    roundps roundpd roundss roundsd comiss comisd ucomiss ucomisd
    cvtdq2ps cvtdq2pd cvtps2dq cvttps2dq cvtpd2dq cvttpd2dq cvtps2pd cvtpd2ps cvtss2sd cvtsd2ss
    cvtsi2ss cvtsi2sd cvtsi2ssl cvtsi2ssq cvtsi2sdl cvtsi2sdq cvttss2si cvttsd2si cvttss2sil
    cvttss2siq cvttsd2sil cvttsd2siq pclmulqdq
    cmpeqps cmpltps cmpleps cmpunordps cmpneqps cmpnltps cmpnleps cmpordps
    cmpeqpd cmpltpd cmplepd cmpunordpd cmpneqpd cmpnltpd cmpnlepd cmpordpd
    cmpeqss cmpltss cmpless cmpunordss cmpneqss cmpnltss cmpnless cmpordss
    cmpeqsd cmpltsd cmplesd cmpunordsd cmpneqsd cmpnltsd cmpnlesd cmpordsd
""".split()

_AVX = """
    vbroadcastss vbroadcastsd vbroadcasti128 vbroadcastf128 vpbroadcastb vpbroadcastw vpbroadcastd
    vpbroadcastq vinserti128 vinsertf128 vextracti128 vextractf128 vperm2i128 vperm2f128 vpermd
    vpermq vpermps vpermpd vpermilps vpermilpd vpblendd vpmaskmovd vpmaskmovq vmaskmovps vmaskmovpd
    vpsllvd vpsllvq vpsrlvd vpsrlvq vpsravd vtestps vtestpd vpgatherdd vpgatherqd vpgatherdq
    vpgatherqq vcmpgtps vcmpgtpd vcmpgeps vcmpgepd vcmpngtps vcmpngtpd vcmpngeps vcmpngepd
    vpdpbusd vpdpbusds vpdpwssd vpdpwssds
""".split()

_AVX512 = """
    vmovdqu8 vmovdqu16 vmovdqu32 vmovdqu64 vmovdqa32 vmovdqa64 vpandd vpandq vpandnd vpandnq vpord
    vporq vpxord vpxorq vpternlogd vpternlogq vpabsq vpmullq vpminuq vpminsq vpmaxuq vpmaxsq vpsraq
    vpsravq vpsravw vpsllvw vpsrlvw vprold vprolq vprord vprorq vprolvd vprolvq vprorvd vprorvq
    vbroadcasti32x2 vbroadcasti32x4 vbroadcasti64x2 vbroadcasti32x8 vbroadcasti64x4
    vbroadcastf32x2 vbroadcastf32x4 vbroadcastf64x2 vbroadcastf32x8 vbroadcastf64x4
    vinserti32x4 vinserti64x2 vinserti32x8 vinserti64x4 vinsertf32x4 vinsertf64x2 vinsertf32x8
    vinsertf64x4 vextracti32x4 vextracti64x2 vextracti32x8 vextracti64x4 vextractf32x4
    vextractf64x2 vextractf32x8 vextractf64x4 vshufi32x4 vshufi64x2 vshuff32x4 vshuff64x2
    vpermb vpermw valignd valignq vpermi2b vpermi2w vpermi2d vpermi2q vpermt2b vpermt2w vpermt2d
    vpermt2q vpermi2ps vpermi2pd vpermt2ps vpermt2pd vpcompressb vpcompressw vpcompressd
    vpcompressq vcompressps vcompresspd vpexpandb vpexpandw vpexpandd vpexpandq vpconflictd
    vpconflictq vplzcntd vplzcntq vpopcntb vpopcntw vpopcntd vpopcntq vpshufbitqmb vpmultishiftqb
    vpshldd vpshldq vpshldw vpshrdd vpshrdq vpshrdw vgf2p8affineqb vdbpsadbw
    vpmovqd vpmovqw vpmovqb vpmovdw vpmovdb vpmovwb vpmovsdb vpmovsdw vpmovswb vpmovusdb vpmovusdw
    vpmovuswb vpmovsqd vpmovusqd vpblendmb vpblendmw vpblendmd vpblendmq vblendmps vblendmpd
    vcvttps2udq vcvttpd2udq vcvtudq2ps vcvtudq2pd vcvtqq2pd vcvtqq2ps vcvttpd2qq vcvtuqq2pd
    vrndscaleps vrndscalepd vpscatterdd vpscatterqd kunpckbw kunpckwd kunpckdq
""".split()

_PER_ELEMENT = ("vpmov{}2m", "vpmovm2{}", "vptestm{}", "vptestnm{}", "vpcmp{}", "vpcmpu{}")
_PER_MASK_WIDTH = (
    *("kmov{}", "kand{}", "kandn{}", "kor{}", "kxor{}", "kxnor{}", "knot{}"),
    *("kortest{}", "ktest{}", "kadd{}", "kshiftl{}", "kshiftr{}"),
)
_ELEMENTS = ("b", "w", "d", "q")
_INTEGER_PREDICATES = ("eq", "lt", "le", "neq", "nlt", "nle")


def _all() -> Iterable[str]:
    yield from _FIXED
    yield from (prefix + code for prefix in ("j", "set", "cmov") for code in CONDITIONS)
    yield from (name + size for name in _SIZED for size in "bwlq")
    yield from (name + size for name in _WORD_SIZED for size in "wlq")
    yield from (name + size for name in _LONG_SIZED for size in "lq")
    # gcc leaves the suffix out of these
    yield from ("imul", "popcnt", "lzcnt", "tzcnt", "bswap", *_LONG_SIZED, "pause")
    yield from _SSE
    yield from ("v" + name for name in _SSE)
    yield from _AVX
    yield from _AVX512
    yield from (form.format(size) for form in _PER_ELEMENT for size in _ELEMENTS)
    yield from (form.format(size) for form in _PER_MASK_WIDTH for size in _ELEMENTS)
    yield from (
        f"vpcmp{predicate}{sign}{size}"
        for predicate in _INTEGER_PREDICATES
        for sign in ("", "u")
        for size in _ELEMENTS
    )


# Sorted and without duplicates; the order is part of the vocabulary.
MNEMONICS = tuple(sorted(set(_all())))
