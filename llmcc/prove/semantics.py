"""The one table of what is modelled: mnemonic, as capstone spells it -> semantics.

A mnemonic that is not here has no semantics: nothing is proved about code that holds it. Every one
that is here is compared with the CPU (tests/prove/test_semantics.py, `make semantics`).
"""

from __future__ import annotations

from llmcc.prove.semantics_bits import BITS
from llmcc.prove.semantics_floats import SSE_FLOATS
from llmcc.prove.semantics_integer import INTEGER, Semantics
from llmcc.prove.semantics_lanes import AVX_LANES, SSE_LANES
from llmcc.prove.semantics_moves import AVX_MOVES, SSE_MOVES
from llmcc.prove.semantics_shuffles import AVX_SHUFFLES, SSE_SHUFFLES

_SSE = SSE_LANES | SSE_MOVES | SSE_SHUFFLES | SSE_FLOATS

SEMANTICS: dict[str, Semantics] = {
    **INTEGER,
    **BITS,
    **_SSE,
    **{f"v{name}": semantics for name, semantics in _SSE.items()},
    **AVX_LANES,
    **AVX_MOVES,
    **AVX_SHUFFLES,
}
