"""Print expression trees as AVX-512 or AVX2 text, registers and lines always in one order."""

from __future__ import annotations

from llmcc.training.families.tree import (
    Absolute,
    Binary,
    Compare,
    Constant,
    Either,
    ElementType,
    Expression,
    Load,
    Parameter,
    Predicate,
    Range,
    Shift,
)
from llmcc.x86.registers import spelled

_SUFFIX = {8: "b", 16: "w", 32: "d", 64: "q"}


class NotExpressible(Exception):
    """The instruction set has no short form for the tree; no pair is made."""


class VectorText:
    """Lines of vector code for one loop body, with a fixed order of registers.

    registers: vector numbers to use, in order (16… for AVX-512).
    parameters: register family of each loop-invariant scalar ("rsi", "xmm0").
    memory: address text of each input array at the current iteration.
    """

    def __init__(
        self,
        element: ElementType,
        isa: str,
        *,
        registers: tuple[int, ...],
        parameters: tuple[str, ...],
        memory: tuple[str, ...],
        temporary: str,
    ) -> None:
        self.element = element
        self.is_512 = isa == "avx512"
        self.memory = memory
        self.lines: list[str] = []
        self._registers = registers
        self._used = 0
        self._parameters = parameters
        self._temporary = temporary
        self._scalars: dict[Expression, int] = {}

    # -- registers

    @property
    def lanes(self) -> int:
        """Elements in one vector."""
        return (512 if self.is_512 else 256) // self.element.bits

    def name(self, number: int, bits: int | None = None) -> str:
        """Spell vector register `number`, by default at full width."""
        prefix = {128: "xmm", 256: "ymm", 512: "zmm"}[bits or (512 if self.is_512 else 256)]
        return f"%{prefix}{number}"

    def new(self) -> int:
        """Take the next register."""
        if self._used >= len(self._registers):
            raise NotExpressible("out of vector registers")
        self._used += 1
        return self._registers[self._used - 1]

    def set_temporary(self, family: str) -> None:
        """Use another general register for constants on their way into vectors."""
        self._temporary = family

    def mark(self) -> int:
        """How many registers are taken; give it to `release` to reuse the later ones."""
        return self._used

    def release(self, mark: int) -> None:
        """Give back every register taken since `mark`."""
        self._used = mark

    def emit(self, mnemonic: str, *operands: str) -> None:
        """Append an instruction."""
        self.lines.append(f"\t{mnemonic}\t{', '.join(operands)}")

    def apply(self, mnemonic: str, *sources: int | str) -> int:
        """Emit an instruction on registers and immediates, in AT&T order, into a new register."""
        result = self.new()
        names = [self.name(x) if isinstance(x, int) else x for x in sources]
        self.emit(mnemonic, *names, self.name(result))
        return result

    # -- loop-invariant scalars

    def broadcast_scalars(self, leaves: list[Load | Constant | Parameter]) -> None:
        """Broadcast every distinct constant and parameter, in order of first use."""
        for leaf in leaves:
            if not isinstance(leaf, Load) and leaf not in self._scalars:
                self._scalars[leaf] = self._broadcast(leaf)

    def broadcast_value(self, value: int) -> int:
        """Broadcast a constant, once."""
        self.broadcast_scalars([Constant(value)])
        return self._scalars[Constant(value)]

    def spread(self, value: int, bits: int) -> int:
        """Broadcast a constant to lanes of `bits` bits, which may not be the element's."""
        number = self.new()
        width = 64 if bits == 64 else 32
        source = f"%{spelled(self._temporary, width)}"
        self.emit("movq" if width == 64 else "movl", f"${value}", source)
        low = source
        if not self.is_512:
            low = self.name(number, 128)
            self.emit("vmovq" if width == 64 else "vmovd", source, low)
        self.emit(f"vpbroadcast{_SUFFIX[bits]}", low, self.name(number))
        return number

    def scalar(self, leaf: Constant | Parameter) -> int:
        """The register a scalar was broadcast to."""
        return self._scalars[leaf]

    def _broadcast(self, leaf: Constant | Parameter) -> int:
        number = self.new()
        suffix = _SUFFIX[self.element.bits]
        if self.element.is_float:
            assert isinstance(leaf, Parameter), "float constants are parameters"
            single = "s" if self.element.bits == 32 else "d"
            source = self._parameters[leaf.position]
            self.emit(f"vbroadcasts{single}", f"%{source}", self.name(number))
            return number
        width = 64 if self.element.bits == 64 else 32
        if isinstance(leaf, Constant):
            source = spelled(self._temporary, width)
            self.emit("movq" if width == 64 else "movl", f"${leaf.value}", f"%{source}")
        else:
            source = spelled(self._parameters[leaf.position], width)
        if self.is_512:
            self.emit(f"vpbroadcast{suffix}", f"%{source}", self.name(number))
        else:
            low = self.name(number, 128)
            self.emit("vmovq" if width == 64 else "vmovd", f"%{source}", low)
            self.emit(f"vpbroadcast{suffix}", low, self.name(number))
        return number

    # -- values

    def load(self, array: int, mask: str = "") -> int:
        """Load one vector of an input array."""
        number = self.new()
        decoration = f"{{%{mask}}}{{z}}" if mask else ""
        self.emit(self.move_mnemonic(), self.memory[array], self.name(number) + decoration)
        return number

    def move_mnemonic(self) -> str:
        """The unaligned move of the element type."""
        if self.element.is_float:
            return "vmovups" if self.element.bits == 32 else "vmovupd"
        return f"vmovdqu{self.element.bits}" if self.is_512 else "vmovdqu"

    def value(self, node: Expression, *, loaded: dict[int, int], mask: str = "") -> int:
        """Compute `node`; loaded: register of each array already loaded; mask: for float traps."""
        match node:
            case Load(array):
                return loaded[array]
            case Constant() | Parameter():
                return self._scalars[node]
            case Absolute(operand):
                return self._unary("vpabs", operand, loaded, mask)
            case Shift(operator, operand, count):
                return self._shift(operator, operand, count, loaded, mask)
            case Binary(operator, left, right):
                a = self.value(left, loaded=loaded, mask=mask)
                b = self.value(right, loaded=loaded, mask=mask)
                return self.combine(operator, a, b, mask=mask)

    def combine(
        self, operator: str, a: int, b: int, *, mask: str = "", into: int | None = None
    ) -> int:
        """Apply a binary operator to two registers: `a` operator `b`."""
        result = self.new() if into is None else into
        decoration = f"{{%{mask}}}{{z}}" if mask and self.element.is_float else ""
        self.emit(
            self.mnemonic(operator), self.name(b), self.name(a), self.name(result) + decoration
        )
        return result

    def mnemonic(self, operator: str) -> str:
        """The instruction of a binary operator on the element type."""
        bits, suffix = self.element.bits, _SUFFIX[self.element.bits]
        if self.element.is_float:
            return f"v{operator}p{'s' if bits == 32 else 'd'}"
        if operator in ("and", "or", "xor"):
            return f"vp{operator}{'d' if self.is_512 else ''}"
        if operator == "mul":
            if bits == 8 or (bits == 64 and not self.is_512):
                raise NotExpressible("no packed multiply")
            return f"vpmull{suffix}"
        if operator in ("min", "max"):
            if bits == 64 and not self.is_512:
                raise NotExpressible("no packed 64-bit minimum")
            return f"vp{operator}{'s' if self.element.is_signed else 'u'}{suffix}"
        return f"vp{operator}{suffix}"

    def _unary(self, stem: str, operand: Expression, loaded: dict[int, int], mask: str) -> int:
        if self.element.bits == 64 and not self.is_512:
            raise NotExpressible("no packed 64-bit absolute value")
        source = self.value(operand, loaded=loaded, mask=mask)
        result = self.new()
        self.emit(stem + _SUFFIX[self.element.bits], self.name(source), self.name(result))
        return result

    def _shift(
        self, operator: str, operand: Expression, count: int, loaded: dict[int, int], mask: str
    ) -> int:
        is_arithmetic = operator == "shr" and self.element.is_signed
        if self.element.bits == 8 or (
            is_arithmetic and self.element.bits == 64 and not self.is_512
        ):
            raise NotExpressible("no packed shift")
        stem = "vpsll" if operator == "shl" else ("vpsra" if is_arithmetic else "vpsrl")
        source = self.value(operand, loaded=loaded, mask=mask)
        result = self.new()
        name = stem + _SUFFIX[self.element.bits]
        self.emit(name, f"${count}", self.name(source), self.name(result))
        return result

    # -- predicates

    def predicate_mask(
        self, node: Predicate, target: str, *, loaded: dict[int, int], mask: str = ""
    ) -> None:
        """AVX-512: put the lanes where `node` holds into mask register `target`."""
        decoration = f"{{%{mask}}}" if mask else ""
        match node:
            case Compare(operator, left, right):
                a = self.value(left, loaded=loaded)
                b = self.value(right, loaded=loaded)
                self.emit(
                    self._compare_512(operator),
                    self.name(b),
                    self.name(a),
                    f"%{target}{decoration}",
                )
            case Range(operand, low, high):
                a = self.value(operand, loaded=loaded)
                shifted = self.combine("sub", a, self._scalars[Constant(low)])
                b = self._scalars[Constant(high - low)]
                name = f"vpcmpleu{_SUFFIX[self.element.bits]}"
                self.emit(name, self.name(b), self.name(shifted), f"%{target}{decoration}")
            case Either(left_side, right_side):
                other = f"k{int(target[1:]) + 1}"
                self.predicate_mask(left_side, target, loaded=loaded, mask=mask)
                self.predicate_mask(right_side, other, loaded=loaded, mask=mask)
                self.emit("korq", f"%{other}", f"%{target}", f"%{target}")

    def _compare_512(self, operator: str) -> str:
        if self.element.is_float:
            return f"vcmp{operator}p{'s' if self.element.bits == 32 else 'd'}"
        stem = {"eq": "eq", "ne": "neq", "lt": "lt", "le": "le", "gt": "nle", "ge": "nlt"}[operator]
        sign = "" if self.element.is_signed or operator in ("eq", "ne") else "u"
        return f"vpcmp{stem}{sign}{_SUFFIX[self.element.bits]}"

    def predicate_vector(self, node: Predicate, *, loaded: dict[int, int]) -> tuple[int, bool]:
        """AVX2: a register with all-ones lanes where `node` holds, or (True) where it does not."""
        match node:
            case Compare(operator, left, right):
                a = self.value(left, loaded=loaded)
                b = self.value(right, loaded=loaded)
                return self._compare_256(operator, a, b)
            case Range(operand, low, high):
                a = self.value(operand, loaded=loaded)
                shifted = self.combine("sub", a, self._scalars[Constant(low)])
                return self._unsigned_le(shifted, self._scalars[Constant(high - low)]), False
            case Either(left_side, right_side):
                first, is_inverted = self.predicate_vector(left_side, loaded=loaded)
                second, other_inverted = self.predicate_vector(right_side, loaded=loaded)
                if is_inverted or other_inverted:
                    raise NotExpressible("inverted part of a disjunction")
                result = self.new()
                self.emit("vpor", self.name(second), self.name(first), self.name(result))
                return result, False

    def _compare_256(self, operator: str, a: int, b: int) -> tuple[int, bool]:
        bits, suffix = self.element.bits, _SUFFIX[self.element.bits]
        if self.element.is_float:
            result = self.new()
            name = f"vcmp{operator}p{'s' if bits == 32 else 'd'}"
            self.emit(name, self.name(b), self.name(a), self.name(result))
            return result, False
        if operator in ("eq", "ne"):
            result = self.new()
            self.emit(f"vpcmpeq{suffix}", self.name(b), self.name(a), self.name(result))
            return result, operator == "ne"
        if not self.element.is_signed:
            is_le = operator in ("le", "gt")
            return self._unsigned_le(a if is_le else b, b if is_le else a), operator in ("gt", "lt")
        result = self.new()
        first, second = (a, b) if operator in ("gt", "le") else (b, a)
        self.emit(f"vpcmpgt{suffix}", self.name(second), self.name(first), self.name(result))
        return result, operator in ("le", "ge")

    def _unsigned_le(self, a: int, b: int) -> int:
        if self.element.bits == 64:
            raise NotExpressible("no unsigned 64-bit comparison")
        suffix = _SUFFIX[self.element.bits]
        result = self.new()
        self.emit(f"vpminu{suffix}", self.name(b), self.name(a), self.name(result))
        self.emit(f"vpcmpeq{suffix}", self.name(a), self.name(result), self.name(result))
        return result
