"""Put a drawn loop into C: alone in a function, or in the middle of a larger one.

A loop inlined into other work has more live registers, so its rewrite has fewer to work in.
"""

from __future__ import annotations

import random
import re

_SIGNATURE = re.compile(r"^(?P<result>[\w *]*?[ *])@NAME@\((?P<parameters>[^)]*)\)$", re.MULTILINE)
_LARGER_PER_CENT = 25
HEAD = "#include <stddef.h>\n#include <stdint.h>\nextern long work[16];\nlong other(long);\n"


def c_unit(functions: list[str]) -> str:
    """Join functions to a unit of C."""
    return HEAD + "".join(functions)


def function_text(c: str, name: str, rng: random.Random) -> str:
    """Name a drawn loop's function; now and then, make it a part of a larger one of that name."""
    found = _SIGNATURE.search(c)
    if found is None or rng.randrange(100) >= _LARGER_PER_CENT:
        return c.replace("@NAME@", name)
    values = rng.randint(2, 6)
    inner = f"{name}_loop"
    text = c[: found.start()] + "static " + c[found.start() :]
    return text.replace("@NAME@", inner) + _larger(
        found["result"].strip(), inner, name, found["parameters"], values
    )


def _larger(result: str, inner: str, name: str, parameters: str, values: int) -> str:
    """A function that computes `values` longs before the loop and uses them after it."""
    arguments = ", ".join(parameter.split()[-1].lstrip("*") for parameter in parameters.split(", "))
    call = f"{inner}({arguments});"
    before = "".join(f"\tlong w{n} = work[{n}] * p + {n};\n" for n in range(values))
    after = "".join(f"\twork[{n + 8}] = other(w{n}) - p;\n" for n in range(values))
    is_void = result == "void"
    return (
        f"{result} {name}({parameters}, long p)\n{{\n{before}"
        f"\t{call if is_void else f'{result} v = {call}'}\n{after}"
        f"{'' if is_void else f'{chr(9)}return v;{chr(10)}'}}}\n"
    )
