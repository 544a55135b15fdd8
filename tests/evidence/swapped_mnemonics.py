"""Which mnemonics (AT&T) a mutant has in place of another: one table per class. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

# A condition's negation, its other bound, and the same with the other sign.
_CONDITIONS: Mapping[str, Sequence[str]] = {
    "e": ("ne",), "ne": ("e", "a"), "s": ("ns", "l"), "ns": ("s", "ge"), "z": ("nz",), "nz": ("z",),
    "b": ("ae", "be", "l"), "be": ("a", "b", "le"), "a": ("be", "ae", "g"), "ae": ("b", "a", "ge"),
    "l": ("ge", "le", "b"), "le": ("g", "l", "be"), "g": ("le", "ge", "a"), "ge": ("l", "g", "ae"),
    "c": ("nc", "be"), "nc": ("c", "a"), "o": ("no",), "no": ("o",), "p": ("np",), "np": ("p",),
}  # fmt: skip
_CONDITIONAL = ("cmov", "set", "j")

# Stems; a size suffix (b w l q) or none follows.
_INTEGER: Mapping[str, Sequence[str]] = {
    "add": ("sub", "adc", "or"), "sub": ("add", "sbb"), "adc": ("add", "sbb"), "sbb": ("sub",),
    "and": ("or", "xor"), "or": ("and", "xor", "add"), "xor": ("or", "and"),
    "cmp": ("test", "sub"), "test": ("cmp",), "inc": ("dec",), "dec": ("inc",),
    "neg": ("not",), "not": ("neg",), "imul": ("add",), "andn": ("bzhi",), "mov": ("lea", "add"),
    "lea": ("mov", "add"), "shl": ("shr", "rol"), "sal": ("shr",), "shr": ("shl", "sar"),
    "sar": ("shr", "shl"), "rol": ("ror",), "ror": ("rol",), "shlx": ("shrx",),
    "shrx": ("shlx", "sarx"), "sarx": ("shrx",), "tzcnt": ("lzcnt", "popcnt", "bsr"),
    "lzcnt": ("tzcnt",), "bsf": ("bsr",), "bsr": ("bsf",), "popcnt": ("tzcnt", "lzcnt"),
    "blsr": ("blsi",), "blsi": ("blsr",), "bzhi": ("shrx", "andn"), "pdep": ("pext",),
    "pext": ("pdep",),
}  # fmt: skip
_INTEGER_WHOLE: Mapping[str, Sequence[str]] = {
    "movzbl": ("movsbl", "movzwl"), "movsbl": ("movzbl", "movswl"), "movzwl": ("movswl", "movzbl"),
    "movswl": ("movzwl", "movsbl"), "movzbq": ("movsbq",), "movsbq": ("movzbq",),
    "movzwq": ("movswq",), "movswq": ("movzwq",), "cltq": ("cwtl",),
}  # fmt: skip

# Without the leading v. Element letters are separate, see _LANES.
_VECTOR: Mapping[str, Sequence[str]] = {
    "pand": ("por", "pxor"), "por": ("pand", "pxor"), "pxor": ("por", "pand"), "pandn": ("pand",),
    "pandd": ("pord",), "pandq": ("porq",), "pord": ("pandd",), "porq": ("pandq",),
    "pxord": ("pord",), "pxorq": ("porq",), "pandnd": ("pandd",), "pandnq": ("pandq",),
    "andps": ("orps", "andnps"), "orps": ("andps",), "xorps": ("orps",), "andnps": ("andps",),
    "andpd": ("orpd", "andnpd"), "orpd": ("andpd",), "xorpd": ("orpd",), "andnpd": ("andpd",),
    "ptest": ("testps",), "pmovmskb": ("movmskps",), "movmskps": ("movmskpd", "pmovmskb"),
    "movmskpd": ("movmskps",), "pslldq": ("psrldq",), "psrldq": ("pslldq",),
    "psadbw": ("paddb", "pavgb"), "pmaddwd": ("pmullw", "paddd"), "pmuludq": ("pmuldq", "paddq"),
    "pmuldq": ("pmuludq",), "pmullw": ("pmulhw", "paddw"), "pmulld": ("pmuludq", "paddd"),
    "pmulhw": ("pmulhuw",), "pmulhuw": ("pmulhw",), "pmaddubsw": ("pmullw",),
    "pavgb": ("paddb", "pavgw"), "pavgw": ("pavgb",), "pshufb": ("pand",),
    "pblendvb": ("blendvps",), "blendvps": ("blendvpd", "pblendvb"), "blendvpd": ("blendvps",),
    "packsswb": ("packuswb", "packssdw"), "packuswb": ("packsswb",), "packssdw": ("packusdw",),
    "packusdw": ("packssdw",), "movdqu": ("movdqa",), "movups": ("movaps",), "movupd": ("movapd",),
    "movdqa": ("movdqu",), "movss": ("movsd",), "movsd": ("movss",), "movd": ("movq",),
    "movq": ("movd",), "movhlps": ("movlhps",), "shufps": ("shufpd",), "shufpd": ("shufps",),
    "extracti128": ("inserti128",), "pabsb": ("pabsw",), "pabsw": ("pabsd",), "pabsd": ("pabsw",),
    "cvtps2pd": ("cvtdq2pd",), "cvtdq2pd": ("cvtps2pd",), "cvtdq2ps": ("cvtps2dq",),
    "broadcastss": ("broadcastsd",), "broadcastsd": ("broadcastss",),
    "permilps": ("permilpd",), "permilpd": ("permilps",), "perm2i128": ("inserti128",),
    "zeroupper": ("zeroall",), "pshufd": ("pshuflw", "pshufhw"), "pshuflw": ("pshufhw",),
    "pshufhw": ("pshuflw",), "permq": ("permpd",),
}  # fmt: skip
# Pairs of which the name holds one; what stands for the other.
_IN_NAME = (
    ("padd", "psub"), ("pcmpeq", "pcmpgt"), ("psll", "psrl"), ("psrl", "psra"), ("psra", "psrl"),
    ("pmin", "pmax"), ("pminu", "pmins"), ("pmaxu", "pmaxs"),
    ("punpckl", "punpckh"), ("unpckl", "unpckh"), ("pmovzx", "pmovsx"), ("padds", "paddus"),
    ("add", "sub"), ("mul", "add"), ("div", "mul"), ("min", "max"), ("sqrt", "mov"),
    ("ptestm", "ptestnm"), ("kand", "kor"), ("kor", "kand"), ("kxor", "kor"), ("kandn", "kand"),
    ("kortest", "ktest"), ("ktest", "kortest"), ("kshiftl", "kshiftr"), ("psraw", "psrlw"),
    ("pextr", "pinsr"), ("cmplt", "cmple"), ("cmple", "cmplt"), ("cmpeq", "cmpneq"),
    ("cmpneq", "cmpeq"), ("cmpnlt", "cmpnle"), ("cmpnle", "cmpnlt"), ("pcmplt", "pcmple"),
    ("pcmple", "pcmplt"), ("pcmpnlt", "pcmpnle"), ("pcmpnle", "pcmpnlt"), ("cmpgt", "cmpge"),
    ("cmpge", "cmpgt"), ("cmpunord", "cmpord"),
)  # fmt: skip
# Families whose last letter is the lane's width.
_WITH_LANES = (
    "padd", "psub", "pcmpeq", "pcmpgt", "psll", "psrl", "psra", "pminu", "pmaxu", "pmins", "pmaxs",
    "pbroadcast", "pmovm2", "ptestm", "ptestnm", "kmov", "kortest", "pblendm",
)  # fmt: skip
_NEXT_LANE = {"b": "w", "w": "b", "d": "q", "q": "d"}
_FLOAT_LANES = (("ps", "pd"), ("pd", "ps"), ("ss", "sd"), ("sd", "ss"))
_FLOAT = ("add", "sub", "mul", "div", "min", "max", "cmp", "blendv", "and", "or", "xor", "andn")


def swapped_mnemonics(mnemonic: str) -> tuple[str, ...]:
    """Mnemonics to try in place of one, each once; not all fit its operands."""
    return tuple(dict.fromkeys(other for other in _swaps(mnemonic) if other != mnemonic))


def _swaps(mnemonic: str) -> Iterator[str]:
    for prefix in _CONDITIONAL:
        condition = mnemonic.removeprefix(prefix)
        if mnemonic.startswith(prefix) and condition in _CONDITIONS:
            yield from (prefix + other for other in _CONDITIONS[condition])
            return
    yield from _INTEGER_WHOLE.get(mnemonic, ())
    for stem, size in ((mnemonic, ""), (mnemonic[:-1], mnemonic[-1:])):
        if size in ("", *"bwlq"):
            yield from (other + size for other in _INTEGER.get(stem, ()))
    if mnemonic.startswith(("v", "p", "k")) or mnemonic.endswith(("ps", "pd", "ss", "sd")):
        v = "v" if mnemonic.startswith("v") else ""
        yield from (v + other for other in _vector_swaps(mnemonic.removeprefix("v")))


def _vector_swaps(stem: str) -> Iterator[str]:
    yield from _VECTOR.get(stem, ())
    for held, other in (*_IN_NAME, *((b, a) for a, b in _IN_NAME)):
        if stem.startswith(held):
            yield other + stem.removeprefix(held)
    if stem[:-1] in _WITH_LANES and stem[-1] in _NEXT_LANE:
        yield stem[:-1] + _NEXT_LANE[stem[-1]]
    for held, other in _FLOAT_LANES:
        if stem.endswith(held) and stem.startswith(_FLOAT):
            yield stem.removesuffix(held) + other
