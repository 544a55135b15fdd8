"""Bringing a term into its normal form never changes its value, and facts never contradict it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from llmcc.prove import choices, compare, counts, simplify
from llmcc.prove.evaluate import Words, evaluate
from llmcc.prove.facts import Facts
from llmcc.prove.rebuild import rebuild
from llmcc.prove.simplify import complement
from llmcc.prove.solver import Answer, ask, translate
from llmcc.prove.terms import Term, const, forget, intern, var

ROWS = 48
WIDTHS = (1, 8, 16, 32, 64)


@dataclass(frozen=True)
class Pair:
    """A term as it was asked for, and as the constructors made it."""

    raw: Term
    normal: Term


class Pool:
    """Terms made of a few variables, each of terms made before, so that rules find their shapes."""

    def __init__(self, seed: int) -> None:
        forget()
        self.rng = np.random.default_rng(seed)
        self.values: dict[Term, Words] = {}
        self.pairs: dict[int, list[Pair]] = {width: [] for width in WIDTHS}
        for width in WIDTHS:
            for number in range(3):
                term = var(f"x{number}", width)
                self.values[term] = self._words(width)
                self._keep(Pair(term, term))
            for value in (0, 1, -1, 1 << (width - 1), 3, int(self.rng.integers(0, 1 << 62))):
                self._keep(Pair(const(value, width), const(value, width)))

    def _words(self, width: int) -> Words:
        mask = np.uint64((1 << width) - 1)
        half = 1 << (width - 1)
        edges = np.array([0, 1, 2, 2 * half - 1, half, half - 1], np.uint64)
        words = self.rng.integers(0, 1 << 64, ROWS, dtype=np.uint64)
        chosen = self.rng.choice(edges, ROWS)
        return np.where(self.rng.random(ROWS) < 0.5, chosen, words) & mask

    def _keep(self, pair: Pair) -> Pair:
        self.pairs[pair.raw.width].append(pair)
        return pair

    def pick(self, width: int) -> Pair:
        known = self.pairs[width]
        # Late terms more often: they have the structure.
        at = int(len(known) * (1 - self.rng.random() ** 2))
        return known[min(at, len(known) - 1)]

    def grow(self) -> Pair:
        """Make one more term."""
        width = int(self.rng.choice(WIDTHS))
        makers = [self._sum, self._bits, self._shape, self._test, self._choice, self._extreme]
        makers += [self._shift, self._count, self._bound, self._mask] if width > 1 else []
        makers += [self._near_sign] if width > 16 else []
        return self._keep(makers[int(self.rng.integers(len(makers)))](width))

    def _sum(self, width: int) -> Pair:
        a, b = self.pick(width), self.pick(width)
        match int(self.rng.integers(3)):
            case 0:
                return Pair(_raw_sum(width, 1, a, b), simplify.add(a.normal, b.normal))
            case 1:
                return Pair(_raw_sum(width, -1, a, b), simplify.sub(a.normal, b.normal))
        raw = intern("mul", width, (a.raw, b.raw))
        return Pair(raw, simplify.mul(a.normal, b.normal))

    def _bits(self, width: int) -> Pair:
        op = str(self.rng.choice(["and", "or", "xor"]))
        a, b = self.pick(width), self.pick(width)
        if self.rng.random() < 0.25:
            ones = const(-1, width)
            return Pair(intern("xor", width, (a.raw, ones)), complement(a.normal))
        if self.rng.random() < 0.1:
            one = const(1, width)
            b = Pair(_raw_sum(width, -1, a, Pair(one, one)), simplify.sub(a.normal, one))
        raw = intern(op, width, (a.raw, b.raw))
        return Pair(raw, simplify.bitwise(op, (a.normal, b.normal), width))

    def _shape(self, width: int) -> Pair:
        other = int(self.rng.choice(WIDTHS))
        if other > width:
            a = self.pick(other)
            low = int(self.rng.choice([0, 8, other - width, self.rng.integers(other - width + 1)]))
            low = min(low, other - width)
            return Pair(
                intern("extract", width, (a.raw,), low), simplify.extract(a.normal, low, width)
            )
        if other < width and self.rng.random() < 0.6:
            a = self.pick(other)
            op = str(self.rng.choice(["zext", "sext"]))
            grown = (simplify.zext if op == "zext" else simplify.sext)(a.normal, width)
            return Pair(intern(op, width, (a.raw,)), grown)
        if width == 1:
            return self._test(width)
        size = 8 if width > 8 and self.rng.random() < 0.8 else 1
        parts = self._parts(width, size)
        raw = intern("concat", width, tuple(part.raw for part in parts))
        return Pair(raw, simplify.concat([part.normal for part in parts]))

    def _parts(self, width: int, size: int) -> list[Pair]:
        """Pieces to join: often neighbours of one term, as bytes of a register are."""
        count = width // size
        if self.rng.random() < 0.5:
            whole = self.pick(width)
            parts = []
            for at in range(0, width, size):
                raw = intern("extract", size, (whole.raw,), at)
                parts.append(Pair(raw, simplify.extract(whole.normal, at, size)))
            if self.rng.random() < 0.4:
                parts[int(self.rng.integers(count))] = self.pick(size)
            return parts
        return [self.pick(size) for _ in range(count)]

    def _test(self, width: int) -> Pair:
        inner = int(self.rng.choice(WIDTHS))
        a, b = self.pick(inner), self.pick(inner)
        op = str(self.rng.choice(["eq", "ult", "slt"]))
        if self.rng.random() < 0.2:
            # Whether a value is the lesser of two is how vectors compare unsigned.
            extreme = str(self.rng.choice(["umin", "umax"]))
            normal = getattr(choices, extreme)(a.normal, b.normal)
            b = Pair(intern(extreme, inner, (a.raw, b.raw)), normal)
        if op == "slt":
            flip = const(1 << (inner - 1), inner)
            sides = tuple(intern("xor", inner, (side.raw, flip)) for side in (a, b))
            pair = Pair(intern("ult", 1, sides), compare.slt(a.normal, b.normal))
        else:
            make = compare.eq if op == "eq" else compare.ult
            pair = Pair(intern(op, 1, (a.raw, b.raw)), make(a.normal, b.normal))
        if width == 1:
            return pair
        grown = simplify.sext(pair.normal, width)
        return Pair(intern("sext", width, (pair.raw,)), grown)

    def _choice(self, width: int) -> Pair:
        test, a, b = self.pick(1), self.pick(width), self.pick(width)
        if self.rng.random() < 0.4:
            test = self._test(1)
        if self.rng.random() < 0.3 and width > 1:
            test = Pair(intern("ult", 1, (a.raw, b.raw)), compare.ult(a.normal, b.normal))
        raw = intern("ite", width, (test.raw, a.raw, b.raw))
        return Pair(raw, choices.ite(test.normal, a.normal, b.normal))

    def _extreme(self, width: int) -> Pair:
        a, b = self.pick(width), self.pick(width)
        op = str(self.rng.choice(["umin", "umax", "smin", "smax"]))
        normal = getattr(choices, op)(a.normal, b.normal)
        if op[0] == "u":
            return Pair(intern(op, width, (a.raw, b.raw)), normal)
        flip = const(1 << (width - 1), width)
        sides = tuple(intern("xor", width, (side.raw, flip)) for side in (a, b))
        inner = intern(f"u{op[1:]}", width, sides)
        return Pair(intern("xor", width, (inner, flip)), normal)

    def _bound(self, width: int) -> Pair:
        """A minimum or maximum as branches make it: of two values, or of one and a constant."""
        a, b = self.pick(width), self.pick(width)
        if self.rng.random() < 0.7:
            limit = const(int(self.rng.integers(0, 6)) + (1 << (width - 2)), width)
            b = Pair(limit, limit)
        shift = const(int(self.rng.choice([0, 1, 1 << (width - 1)])), width)
        moved = [
            Pair(_raw_sum(width, 1, side, Pair(shift, shift)), simplify.add(side.normal, shift))
            for side in (a, b)
        ]
        test = intern("ult", 1, (moved[0].raw, moved[1].raw))
        normal_test = compare.ult(moved[0].normal, moved[1].normal)
        near = const(int(self.rng.integers(-2, 2)), width)
        other = Pair(_raw_sum(width, 1, b, Pair(near, near)), simplify.add(b.normal, near))
        high, low = (a, other) if self.rng.random() < 0.5 else (other, a)
        raw = intern("ite", width, (test, high.raw, low.raw))
        return Pair(raw, choices.ite(normal_test, high.normal, low.normal))

    def _mask(self, width: int) -> Pair:
        """Values selected by masks, as vector code does, and words with few bits cleared."""
        a, b, test = self.pick(width), self.pick(width), self.pick(1)
        mask = Pair(intern("sext", width, (test.raw,)), simplify.sext(test.normal, width))
        op, outer = (str(self.rng.choice(["and", "or", "xor"])) for _ in range(2))
        if self.rng.random() < 0.2:
            step = const(int(self.rng.integers(1, 4)), width)
            less = Pair(_raw_sum(width, -1, a, Pair(step, step)), simplify.sub(a.normal, step))
            raw = intern("and", width, (a.raw, less.raw))
            return Pair(raw, simplify.bitwise("and", (a.normal, less.normal), width))
        first = intern(op, width, (mask.raw, a.raw))
        normal_first = simplify.bitwise(op, (mask.normal, a.normal), width)
        if self.rng.random() < 0.4:
            return Pair(first, normal_first)
        inverse = intern("xor", width, (mask.raw, const(-1, width)))
        second = intern("and", width, (inverse, b.raw))
        normal_second = simplify.bitwise("and", (complement(mask.normal), b.normal), width)
        raw = intern(outer, width, (first, second))
        return Pair(raw, simplify.bitwise(outer, (normal_first, normal_second), width))

    def _near_sign(self, width: int) -> Pair:
        """A cut of an extended value at its sign."""
        a = self.pick(8)
        wide = Pair(intern("sext", width, (a.raw,)), simplify.sext(a.normal, width))
        low = int(self.rng.integers(5, 9))
        raw = intern("extract", 8, (wide.raw,), low)
        return Pair(raw, simplify.extract(wide.normal, low, 8))

    def _shift(self, width: int) -> Pair:
        op = str(self.rng.choice(["shl", "lshr", "ashr"]))
        a, by = self.pick(width), self.pick(8)
        if self.rng.random() < 0.7:
            count = const(int(self.rng.integers(0, width + 2)), 8)
            by = Pair(count, count)
        raw = intern(op, width, (a.raw, by.raw))
        return Pair(raw, getattr(counts, op)(a.normal, by.normal))

    def _count(self, width: int) -> Pair:
        a = self.pick(width)
        match int(self.rng.integers(3)):
            case 0:
                return Pair(intern("popcount", width, (a.raw,)), counts.popcount(a.normal))
            case 1:
                op = str(self.rng.choice(["clz", "ctz"]))
                return Pair(intern(op, width, (a.raw,)), counts.count_zeros(op, a.normal))
        return Pair(intern("blsr", width, (a.raw,), 1), choices.blsr(a.normal))


def _raw_sum(width: int, factor: int, a: Pair, b: Pair) -> Term:
    data = ((1, factor & (1 << width) - 1), 0)
    return intern("sum", width, (a.raw, b.raw), data)


@pytest.fixture(scope="module", params=range(6))
def pool(request: pytest.FixtureRequest) -> Iterator[tuple[Pool, list[Pair]]]:
    made = Pool(int(request.param))
    yield made, [made.grow() for _ in range(2500)]
    forget()


def test_a_normal_form_has_the_value_of_what_was_asked_for(pool: tuple[Pool, list[Pair]]) -> None:
    made, pairs = pool
    done: dict[Term, Words] = {}
    for pair in pairs:
        raw = evaluate(pair.raw, made.values, done)
        normal = evaluate(pair.normal, made.values, done)
        assert pair.normal.width == pair.raw.width
        assert (raw == normal).all(), f"{pair.raw!r}\nbecame\n{pair.normal!r}"


def test_no_value_is_above_a_terms_top(pool: tuple[Pool, list[Pair]]) -> None:
    made, pairs = pool
    done: dict[Term, Words] = {}
    for pair in pairs:
        value = evaluate(pair.normal, made.values, done)
        assert int(value.max()) <= pair.normal.top, repr(pair.normal)


def test_normal_forms_are_not_only_copies(pool: tuple[Pool, list[Pair]]) -> None:
    _, pairs = pool
    assert sum(pair.raw is not pair.normal for pair in pairs) > len(pairs) // 3


def test_what_facts_decide_is_so(pool: tuple[Pool, list[Pair]]) -> None:
    made, pairs = pool
    done: dict[Term, Words] = {}
    limits = [
        make(name, const(limit, 8))
        for name in made.values
        if name.width == 8
        for limit in (0, 1, 2, 3, 126, 127, 128, 129, 253, 254, 255)
        for make in (compare.eq, compare.ult)
    ]
    tests = [pair.normal for pair in pairs if pair.normal.width == 1] + limits * 8
    values = {one: np.broadcast_to(evaluate(one, made.values, done), ROWS) for one in tests}
    decided = 0
    for row in range(8):
        facts: Facts | None = Facts()
        for number in made.rng.permutation(len(tests))[:60].tolist():
            one = tests[number]
            assert facts is not None
            facts = facts.assume(one if values[one][row] else complement(one))
        assert facts is not None, "true facts were taken for a contradiction"
        for one in set(tests):
            answer = facts.decide(one)
            assert answer is None or answer == bool(values[one][row]), repr(one)
            decided += answer is not None and not one.is_const
    assert decided > 8 * 40


def test_what_is_rebuilt_from_known_parts_keeps_its_value(pool: tuple[Pool, list[Pair]]) -> None:
    made, pairs = pool
    done: dict[Term, Words] = {}
    replaced = 0
    for pair in pairs[::5]:
        part = pair.normal.args[0] if pair.normal.args else pair.normal
        row = int(np.broadcast_to(evaluate(part, made.values, done), ROWS)[7])
        found = rebuild(pair.normal, {part: const(row, part.width)})
        expected = np.broadcast_to(evaluate(pair.normal, made.values, done), ROWS)[7]
        assert np.broadcast_to(evaluate(found, made.values, done), ROWS)[7] == expected
        replaced += found is not pair.normal
    assert replaced > 100


def test_z3_is_told_the_same(pool: tuple[Pool, list[Pair]]) -> None:
    import z3

    made, pairs = pool
    done: dict[Term, Words] = {}
    expressions: dict[Term, object] = {}
    numbers = [
        (translate(name, expressions), z3.BitVecVal(int(words[5]), name.width))
        for name, words in made.values.items()
    ]
    for pair in pairs[: 40 * len(pairs) // 100 : 8]:
        expected = int(np.broadcast_to(evaluate(pair.raw, made.values, done), ROWS)[5])
        told = z3.simplify(z3.substitute(translate(pair.raw, expressions), *numbers))
        assert told.as_long() == expected, repr(pair.raw)


def test_every_operation_occurs(pool: tuple[Pool, list[Pair]]) -> None:
    _, pairs = pool
    wanted = set(
        "sum mul and or xor shl lshr ashr extract concat zext sext eq ult ite umin umax popcount "
        "clz ctz blsr".split()
    )
    assert wanted <= {pair.raw.op for pair in pairs}


@pytest.mark.parametrize("width", [8, 16, 32, 64])
def test_the_last_bit_that_is_cleared_is_the_highest(width: int) -> None:
    value = var("x", width)
    zeros = simplify.extract(counts.count_zeros("clz", value), 0, width.bit_length() - 1)
    top_bit = counts.shl(const(1, width), simplify.zext(complement(zeros), width))
    words = np.random.default_rng(2).integers(0, 1 << 64, 4000, dtype=np.uint64)
    words[::2] &= np.roll(words, 1)[::2] & np.roll(words, 3)[::2]
    words[:3] = 0
    left = value
    for _ in range(min(8, width - 1)):
        left = choices.blsr(left)
        test = compare.eq(left, top_bit)
        assert test.args[0].op == "popcount"
        raw = intern("eq", 1, (left, top_bit))
        values = {value: words}
        assert (evaluate(test, values, {}) == evaluate(raw, values, {})).all()
    forget()


def test_the_solver_finds_the_one_value_that_differs() -> None:
    value = var("x", 32)
    reply = ask((compare.eq(value, const(0x12345678, 32)),), timeout_s=5)
    assert reply.answer is Answer.POSSIBLE
    assert reply.values[value] == 0x12345678


def test_the_solver_shows_that_nothing_differs() -> None:
    a, b = var("a", 16), var("b", 16)
    left = simplify.add(simplify.bitwise("and", (a, b), 16), simplify.bitwise("or", (a, b), 16))
    differs = complement(compare.eq(left, simplify.add(a, b)))
    assert ask((differs,), timeout_s=20).answer is Answer.NEVER
