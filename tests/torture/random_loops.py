"""Random programs made of the training families: functions in one file, calls in another.

A call's arrays are as long as the loop needs and no longer, so reading beyond them is a crash.
All arithmetic is defined under -fwrapv, all arrays have one type, and the only NaN is the one that
x86 itself makes, so every compiler and every -O must give the same bytes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from llmcc.training.families.mapping import scalar_leaves
from llmcc.training.families.spec import FAMILIES, LoopSpec, c_function, draw
from llmcc.training.families.tree import Constant, c_predicate

# The corpus draws from seeds that count up from 1.
FIRST_SEED = 900_000
FLAGS = ("-w", "-fwrapv")
_HEAD = "#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n"
_TYPES = """
typedef struct { unsigned char k[8], k0[8]; } Scalars;
typedef struct {
    const char *name;
    long size; /* of an element in bytes */
    void (*set)(unsigned char *at, int sort);
    uint64_t (*call)(unsigned char *a, unsigned char *b, unsigned char *o, long n,
                     const Scalars *scalars);
} Function;
static uint64_t draw(void);
static long below(long limit);
"""
_FLOATS = "0, -0.0, 1, -1, 0.5, 3, 1e30, -1e30, 1e-40, INFINITY, -INFINITY, 2.5"
_ANY_OF_SOME = "some[below(sizeof some / sizeof *some)]"
# A loop that only its data ends may be told a length it never reaches.
_PRETENDED = 1000


@dataclass(frozen=True, slots=True)
class RandomProgram:
    """A program's specification and text."""

    seed: int
    specs: tuple[LoopSpec, ...]  # of f0, f1, …
    loops: str  # C of the functions, for the compiler under test
    main: str  # C of the calls, for plain gcc


def random_program(seed: int, *, functions: int) -> RandomProgram:
    """Draw a program; the same seed gives the same text."""
    rng = random.Random(seed)
    specs = tuple(draw(rng.choice(FAMILIES), rng) for _ in range(functions))
    texts = [c_function(spec, f"f{number}") for number, spec in enumerate(specs)]
    main = [
        _HEAD,
        "#include <math.h>\n",
        _TYPES,
        f"enum {{ SEED = {seed} }};\n",
        *(
            _calls(spec, number, text, rng)
            for number, (spec, text) in enumerate(zip(specs, texts, strict=True))
        ),
        "static const Function FUNCTIONS[] = {\n",
        *(
            f'    {{"f{number} {spec.family} {spec.element.name}", {spec.element.size_bytes},'
            f" set{number}, call{number}}},\n"
            for number, spec in enumerate(specs)
        ),
        '};\n#include "harness.c"\n',
    ]
    return RandomProgram(seed, specs, _HEAD + "".join(texts), "".join(main))


def write_program(program: RandomProgram, folder: Path) -> None:
    """Write loops.c, main.c and the harness."""
    (folder / "loops.c").write_text(program.loops)
    (folder / "main.c").write_text(program.main)
    (folder / "harness.c").write_text(Path(__file__).with_name("harness.c").read_text())


def _calls(spec: LoopSpec, number: int, text: str, rng: random.Random) -> str:
    signature = text.partition("\n{")[0]
    return "\n".join(
        [
            f"{signature};",
            _setter(spec, number, rng),
            _stop(spec, number),
            _call(spec, number, signature),
            "",
        ]
    )


def _setter(spec: LoopSpec, number: int, rng: random.Random) -> str:
    """C that makes one element: of any bits, near the loop's constants, seldom so, or small."""
    t, bits = spec.element.c_name, spec.element.bits
    wanted = sorted({leaf.value for leaf in scalar_leaves(spec) if isinstance(leaf, Constant)})
    wanted += [0, 1, 20, 100]
    if spec.element.is_float:
        values = f"static const {t} some[] = {{{_FLOATS}, {', '.join(map(str, wanted))}}};"
        body = f"{t} x = sort == 0 ? ({t})(INFINITY - INFINITY) : {_ANY_OF_SOME};"
        body += f" if (sort < 2 && below(8)) x = ({t})(below(2000) - 1000) / 4;"
    else:
        edges = [0, 1 << (bits - 1), (1 << (bits - 1)) - 1, (1 << bits) - 1]
        numbers = ", ".join(f"{value & (1 << 64) - 1}u" for value in [*wanted, *edges])
        values = f"static const uint64_t some[] = {{{numbers}}};"
        usual = rng.choice((0, 7, 50, 200))
        body = f"uint64_t v = {_ANY_OF_SOME} + below(3) - 1;"
        body += " if (sort == 0) v = draw();"
        body += f" if (sort == 2 && below(40)) v = {usual};"
        body += f" if (sort == 3) v = below(128); {t} x = ({t})v;"
    return (
        f"static void set{number}(unsigned char *at, int sort) {{ {values} {body}"
        " memcpy(at, &x, sizeof x); }"
    )


def _stop(spec: LoopSpec, number: int) -> str:
    """C that tells where data ends the loop; -1 when they do not."""
    if spec.family not in ("find", "scan", "mismatch") or spec.predicate is None:
        return ""
    t = spec.element.c_name
    test = c_predicate(spec.predicate, spec.element, ("a[i]", "b[i]"))
    return (
        f"static long stop{number}(const {t} *a, const {t} *b, long n, {t} k)"
        f" {{ for (long i = 0; i < n; i++) if ({test}) return i; return -1; }}"
    )


def _call(spec: LoopSpec, number: int, signature: str) -> str:
    t = spec.element.c_name
    names = [word.split()[-1] for word in signature.partition("(")[2].rstrip(")").split(", ")]
    extra = "".join(f", {name}" for name in names[4:])
    head = (
        f"static uint64_t call{number}(unsigned char *x, unsigned char *y, unsigned char *z,"
        f" long n, const Scalars *s) {{ {t} *a = ({t} *)x, *b = ({t} *)y, *o = ({t} *)z, k, k0;"
        " memcpy(&k, s->k, sizeof k); memcpy(&k0, s->k0, sizeof k0);"
    )
    call = f"f{number}(a, b, o, n{extra})"
    if spec.family == "scan":
        return f"{head} return stop{number}(a, b, n, k) < 0 ? 0 : (uint64_t)({call} - a); }}"
    if spec.family in ("find", "mismatch"):
        longer = f"if (stop{number}(a, b, n, k) >= 0 && below(2)) n += {_PRETENDED};"
        return f"{head} {longer} return (uint64_t){call}; }}"
    if signature.startswith("void"):
        return f"{head} {call}; return 0; }}"
    return f"{head} return (uint64_t){call}; }}"
