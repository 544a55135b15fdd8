"""Run one form on the CPU and by its semantics from the same states, and compare all they leave.

`python -m tests.prove.differential [operand sets a mnemonic]` does so for every form and prints a
table; `make semantics` is the same.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmcc.prove.decode import NotModelled, decode
from llmcc.prove.evaluate import Words, evaluate
from llmcc.prove.facts import Facts
from llmcc.prove.flags import BITS, UNDEFINED, free_flags
from llmcc.prove.lanes import lanes
from llmcc.prove.semantics import SEMANTICS
from llmcc.prove.state import Fault, Ground, Span, State
from llmcc.prove.terms import Term, const, forget, var, variables
from llmcc.sandbox.model import ARENA_BASE, FAULT, Ends, States
from llmcc.sandbox.runner import Sandbox
from llmcc.x86.registers import GPR
from tests.prove.forms import Form, all_forms

ARENA_BYTES = 4096
_BATCH = 1000
_POINTERS = {GPR.index("rsi"): ARENA_BASE + 0x200, GPR.index("rdi"): ARENA_BASE + 0x300}
_STATUS = np.uint64(sum(1 << bit for bit in BITS.values()))
_USED = slice(0x1C0, 0x400)  # bytes of the arena that forms may touch


def draw_states(count: int, *, seed: int) -> States:
    """Draw operands: random, and lanes of every width from a table of edges."""
    rng = np.random.default_rng(seed)
    vector = _operands(rng, count, 32 * 64).reshape(count, 32, 64)
    vector[:, 16:] = 0
    vector[:, :, 32:] = 0
    gpr = np.ascontiguousarray(_operands(rng, count, 16 * 8)).view(np.uint64).copy()
    gpr[:, 4] = 0x7FFD_0000_0000
    small = rng.random((count, 16)) < 0.25
    gpr[small] = rng.integers(0, 70, int(small.sum()), dtype=np.uint64)
    for number, address in _POINTERS.items():
        gpr[:, number] = address
    memory = np.zeros((count, 1, ARENA_BYTES), np.uint8)
    memory[:, 0, _USED] = _operands(rng, count, _USED.stop - _USED.start)
    return States(
        gpr=gpr,
        vector=vector,
        mask=np.zeros((count, 8), np.uint64),
        rflags=rng.integers(0, 1 << 12, count, dtype=np.uint64) & _STATUS | np.uint64(2),
        mxcsr=np.full(count, 0x1F80, np.uint32),
        memory=memory,
    )


def _operands(rng: np.random.Generator, count: int, size: int) -> NDArray[np.uint8]:
    out = np.frombuffer(bytearray(rng.bytes(count * size)), np.uint8).reshape(count, size)
    for row in range(count):
        width = (0, 1, 2, 4, 8)[row % 5]
        if not width:
            continue
        bits = 8 * width
        edges = [0, 1, 2, 3, bits - 1, bits, (1 << bits) - 1, (1 << bits) - 2, 1 << (bits - 1),
                 (1 << (bits - 1)) - 1, (1 << (bits - 1)) + 1, 1 << (bits // 2),
                 (1 << (bits // 2)) - 1]  # fmt: skip
        table = np.array(edges, np.uint64).astype(f"<u{width}")
        chosen = rng.choice(table, size // width).view(np.uint8)
        keep = np.repeat(rng.random(size // width) < 0.6, width)
        out[row] = np.where(keep, chosen, out[row])
    return out


def symbolic_state(code: bytes) -> State:
    """A state whose registers and memory are variables, with pointers where forms want them."""
    gpr = [const(_POINTERS[n], 64) if n in _POINTERS else var(f"r{n}", 64) for n in range(len(GPR))]
    vector = []
    for number in range(16):
        words = [var(f"v{number}.{part}", 64) for part in range(4)]
        vector.append(tuple((words[byte // 8], byte % 8) for byte in range(32)))
    span = Span(ARENA_BASE, ARENA_BASE + ARENA_BYTES, 1, 0)
    # No form addresses its own code, which would lie at 0.
    return State(gpr, vector, free_flags("f"), Ground((span,), b""), Facts())


def assignments(states: States, terms: list[Term]) -> dict[Term, Words]:
    """Give every variable of `terms` its values in the states."""
    rng = np.random.default_rng(1)
    found: dict[Term, Words] = {}
    words = np.ascontiguousarray(states.vector[:, :16, :32]).view(np.uint64)
    for name in frozenset().union(*(variables(term) for term in terms)):
        text = str(name.data)
        if text.startswith(UNDEFINED):
            found[name] = rng.integers(0, 1 << 64, len(states), dtype=np.uint64)
        elif text[0] == "r":
            found[name] = states.gpr[:, int(text[1:])]
        elif text[0] == "v":
            number, part = text[1:].split(".")
            found[name] = np.ascontiguousarray(words[:, int(number), int(part)])
        elif text[0] == "f":
            found[name] = states.rflags >> np.uint64(BITS[text[2:]]) & np.uint64(1)
        else:
            found[name] = states.memory[:, 0, int(text[1:], 16) - ARENA_BASE].astype(np.uint64)
    return found


def differences(form: Form, states: States, sandbox: Sandbox) -> list[str]:
    """Name what the semantics says otherwise than the CPU; empty when they agree.

    Does not cover: values the manual leaves undefined.

    Raises:
        NotModelled: the form has no semantics.
    """
    state = symbolic_state(form.blob.code)
    expected = 0
    try:
        SEMANTICS[form.mnemonic](state, decode(form.blob.code, form.blob.entry))
    except Fault:
        expected = FAULT
    ends = sandbox.run(form.blob, states)
    if not (ends.exit_id == expected).all():
        return [f"the CPU ended with {np.unique(ends.exit_id).tolist()}, not {expected}"]
    if expected == FAULT:
        return []
    wanted = _wanted(state, states, ends)
    values = assignments(states, [term for _, term, _ in wanted])
    done: dict[Term, Words] = {}
    wrong = []
    for name, term, actual in wanted:
        if any(str(one.data).startswith(UNDEFINED) for one in variables(term)):
            is_free = _depends_on_undefined(term, values)
        else:
            is_free = np.zeros(len(states), np.bool_)
        differs = (evaluate(term, values, done) != actual) & ~is_free
        if differs.any():
            row = int(np.flatnonzero(np.broadcast_to(differs, len(states)))[0])
            wrong.append(f"{name}: {int(differs.sum())} of {len(states)}, first in state {row}")
    return wrong


def _depends_on_undefined(term: Term, values: dict[Term, Words]) -> NDArray[np.bool_]:
    flipped = {
        name: ~value if str(name.data).startswith(UNDEFINED) else value
        for name, value in values.items()
    }
    first, second = evaluate(term, values, {}), evaluate(term, flipped, {})
    return np.asarray(first != second)


def _wanted(state: State, states: States, ends: Ends) -> list[tuple[str, Term, Words]]:
    found: list[tuple[str, Term, Words]] = []
    found += [(name, state.gpr[n], ends.gpr[:, n]) for n, name in enumerate(GPR)]
    words = np.ascontiguousarray(ends.vector[:, :16, :32]).view(np.uint64)
    for number in range(16):
        for part, term in enumerate(lanes(state.vector[number], 8)):
            found.append((f"xmm{number}:{part}", term, words[:, number, part]))
    for name, bit in BITS.items():
        found.append((name, state.flags.get(name), ends.rflags >> np.uint64(bit) & np.uint64(1)))
    before, after = states.memory[:, 0], ends.memory[:, 0]
    stored = sorted(address - ARENA_BASE for address in state.memory)
    for at in stored:
        byte = lanes((state.memory[ARENA_BASE + at],), 1)[0]
        found.append((f"byte {at}", byte, after[:, at].astype(np.uint64)))
    differs = before != after
    differs[:, stored] = False
    is_same = ~differs.any(axis=1)
    found.append(("other memory", const(1, 1), is_same.astype(np.uint64)))
    if not state.floats:
        is_quiet = states.mxcsr == ends.mxcsr
        found.append(("no floating-point flag", const(1, 1), is_quiet.astype(np.uint64)))
    return found


def main(count: int) -> int:
    """Compare all forms on `count` operand sets a mnemonic, or one a form if that is more.

    Prints a row for each mnemonic; returns how many differences there were.
    """
    started_s = time.monotonic()
    by_mnemonic: dict[str, list[Form]] = defaultdict(list)
    for form in all_forms():
        by_mnemonic[form.mnemonic].append(form)
    sets: dict[str, int] = defaultdict(int)
    wrong: dict[str, list[str]] = defaultdict(list)
    with Sandbox() as sandbox:
        for number in itertools.count():
            states = draw_states(_BATCH, seed=number)
            todo = {
                mnemonic: forms
                for mnemonic, forms in by_mnemonic.items()
                if number == 0 or number * _BATCH * len(forms) < count
            }
            if not todo:
                break
            for mnemonic, forms in todo.items():
                for form in forms:
                    try:
                        found = differences(form, states, sandbox)
                    except NotModelled:
                        continue
                    finally:
                        forget()
                    sets[mnemonic] += len(states)
                    wrong[mnemonic] += [f"{form.text}: {text}" for text in found]
    for mnemonic, forms in sorted(by_mnemonic.items()):
        print(f"{mnemonic:<16}{len(forms):4} forms{sets[mnemonic]:9} operand sets"
              f"{len(wrong[mnemonic]):4} differences")  # fmt: skip
        for text in wrong[mnemonic][:3]:
            print(f"    {text}")
    differences_found = sum(map(len, wrong.values()))
    cpu = Path("/proc/cpuinfo").read_text().partition("model name")[2].splitlines()[0][3:]
    print(
        f"{len(by_mnemonic)} mnemonics, {sum(map(len, by_mnemonic.values()))} forms, "
        f"{sum(sets.values())} operand sets (at least {min(sets.values())} a mnemonic), "
        f"{differences_found} differences, {time.monotonic() - started_s:.0f} s; {cpu}"
    )
    return differences_found


if __name__ == "__main__":
    sys.exit(1 if main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000) else 0)
