"""Expert rewrites of counted scalar loops: maps, conditional maps, reductions, counts.

All but the last iteration are done in vectors; gcc's loop does the last one, so that every register
which is not carried from iteration to iteration ends as gcc leaves it.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmcc.regions.model import Region
from llmcc.training.families.frame import (
    counted_text,
    fold,
    passing,
    scalar_scratch,
    vectors_of,
    zero,
)
from llmcc.training.families.mapping import (
    Mapping,
    lowered,
    lowered_predicate,
    mappings,
    scalar_leaves,
)
from llmcc.training.families.spec import LoopSpec
from llmcc.training.families.tree import Load
from llmcc.training.families.trip import address
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import spelled


def counted_rewrites(region: Region, spec: LoopSpec, isa: str) -> Iterator[str]:
    """Yield candidate texts, most likely first."""
    for mapping in mappings(region, spec):
        variants = ("zero", "sign", "partial") if _is_narrow_reduction(spec) else ("zero",)
        for extension in variants:
            yield _Counted(region, spec, isa, mapping, extension).text()


def _is_narrow_reduction(spec: LoopSpec) -> bool:
    return spec.family == "reduce" and spec.operator != "add" and spec.element.bits < 32


class _Counted:
    """One rewrite in the making."""

    def __init__(
        self, region: Region, spec: LoopSpec, isa: str, mapping: Mapping, extension: str
    ) -> None:
        contract = region.contract
        self.contract, self.spec, self.isa, self.mapping = contract, spec, isa, mapping
        self.is_512 = isa == "avx512"
        self.extension = extension
        # Counting takes a register of its own in the loop.
        is_counting = spec.family in ("count", "byteclass")
        self.temporary = scalar_scratch(contract, 2)[1] if is_counting else passing(contract)
        self.vector = vectors_of(
            region, isa, spec.element, loads=mapping.loads, parameters=mapping.parameters
        )
        self.arrays = tuple(
            sorted({leaf.array for leaf in scalar_leaves(spec) if isinstance(leaf, Load)})
        )
        if len(mapping.loads) != max(len(self.arrays), 1):
            raise NotExpressible("another number of inputs")
        is_wider = spec.operator == "add" and spec.accumulator_bits > spec.element.bits
        if is_wider and spec.element.name != "u8":
            raise NotExpressible("a sum wider than its elements")
        self.accumulator = -1

    def text(self) -> str:
        """Write the whole rewrite."""
        lanes = self.vector.lanes
        return counted_text(
            self.contract,
            self.vector,
            lanes=lanes,
            overlap_bytes=lanes * self.spec.element.size_bytes,
            setup=self._setup,
            body=self._body,
            finish=self._finish,
        )

    def _setup(self) -> None:
        vector, spec = self.vector, self.spec
        vector.broadcast_scalars(scalar_leaves(spec))
        if spec.family == "reduce":
            self.accumulator = vector.new()
            name = vector.name(self.accumulator)
            if spec.operator in ("min", "max"):
                self._broadcast_accumulator()
            elif spec.operator == "and" and self.is_512:
                vector.emit("vpternlogd", "$255", name, name, name)
            elif spec.operator == "and":
                vector.emit("vpcmpeqd", name, name, name)
            else:
                vector.emit("vpxord" if self.is_512 else "vpxor", name, name, name)
            if spec.operator == "add" and spec.element.bits == 8:
                self.zero = zero(vector)
        self.mark = vector.mark()

    def _broadcast_accumulator(self) -> None:
        assert self.mapping.accumulator is not None
        bits = 64 if self.spec.element.bits == 64 else 32
        suffix = {8: "b", 16: "w", 32: "d", 64: "q"}[self.spec.element.bits]
        source = f"%{spelled(self.mapping.accumulator, bits)}"
        name = self.vector.name(self.accumulator)
        if self.is_512:
            self.vector.emit(f"vpbroadcast{suffix}", source, name)
            return
        low = self.vector.name(self.accumulator, 128)
        self.vector.emit("vmovq" if bits == 64 else "vmovd", source, low)
        self.vector.emit(f"vpbroadcast{suffix}", low, name)

    def _body(self, mask: str) -> None:
        vector, spec = self.vector, self.spec
        vector.release(self.mark)
        loaded = {array: vector.load(array, mask) for array in self.arrays or (0,)}
        match spec.family:
            case "reduce":
                self._accumulate(loaded, mask)
            case "count" | "byteclass":
                self._count(loaded, mask)
            case "map" | "map_in_place":
                assert spec.expression is not None
                self._store(
                    vector.value(lowered(spec.expression, spec), loaded=loaded, mask=mask), mask
                )
            case _:
                self._conditional_store(loaded, mask)

    def _accumulate(self, loaded: dict[int, int], mask: str) -> None:
        vector, spec = self.vector, self.spec
        assert spec.expression is not None
        value = vector.value(lowered(spec.expression, spec), loaded=loaded)
        total = vector.name(self.accumulator)
        if spec.operator == "add" and spec.element.bits == 8:
            sums = vector.name(vector.new())
            vector.emit("vpsadbw", vector.name(self.zero), vector.name(value), sums)
            vector.emit("vpaddq", sums, total, total)
            return
        decoration = f"{{%{mask}}}" if mask else ""
        name = vector.mnemonic(spec.operator)
        if mask and spec.operator in ("and", "or", "xor"):
            if spec.element.bits < 32:  # no byte-masked logic: clear or fill the dead lanes first
                self._neutralise(value, mask)
                decoration = ""
            elif spec.element.bits == 64:
                name = name[:-1] + "q"
        vector.emit(name, vector.name(value), total, total + decoration)

    def _neutralise(self, value: int, mask: str) -> None:
        if self.spec.operator == "and":
            raise NotExpressible("narrow masked and")
        name = self.vector.name(value)
        self.vector.emit(f"vmovdqu{self.spec.element.bits}", name, f"{name}{{%{mask}}}{{z}}")

    def _count(self, loaded: dict[int, int], mask: str) -> None:
        vector, spec = self.vector, self.spec
        assert spec.predicate is not None
        assert self.mapping.accumulator is not None
        node = lowered_predicate(spec.predicate, spec)
        temporary = self.temporary
        wide = spec.accumulator_bits
        target = f"%{spelled(self.mapping.accumulator, wide)}"
        add = "addq" if wide == 64 else "addl"
        counted = f"%{spelled(temporary, wide)}"
        if self.is_512:
            vector.predicate_mask(node, "k2", loaded=loaded, mask=mask)
            vector.emit("kmovq", "%k2", f"%{temporary}")
            vector.emit("popcntq", f"%{temporary}", f"%{temporary}")
            vector.emit(add, counted, target)
            return
        found, is_inverted = vector.predicate_vector(node, loaded=loaded)
        bits = spec.element.bits
        move = {8: "vpmovmskb", 16: "vpmovmskb", 32: "vmovmskps", 64: "vmovmskpd"}[bits]
        low = f"%{spelled(temporary, 32)}"
        vector.emit(move, vector.name(found), low)
        if is_inverted:
            full = {8: -1, 16: -1, 32: 255, 64: 15}[bits]
            vector.emit("xorl", f"${full}", low)
        vector.emit("popcntl", low, low)
        if bits == 16:
            vector.emit("shrl", "$1", low)
        vector.emit(add, counted, target)

    def _store(self, value: int, mask: str) -> None:
        assert self.mapping.store is not None
        decoration = f"{{%{mask}}}" if mask else ""
        vector = self.vector
        vector.emit(
            vector.move_mnemonic(), vector.name(value), address(self.mapping.store) + decoration
        )

    def _conditional_store(self, loaded: dict[int, int], mask: str) -> None:
        vector, spec = self.vector, self.spec
        assert spec.predicate is not None
        assert spec.expression is not None
        assert self.mapping.store is not None
        node = lowered_predicate(spec.predicate, spec)
        if self.is_512:
            vector.predicate_mask(node, "k2", loaded=loaded, mask=mask)
            value = vector.value(lowered(spec.expression, spec), loaded=loaded, mask="k2")
            self._store(value, "k2")
            return
        if spec.element.bits < 32 or (
            spec.element.is_float and not isinstance(spec.expression, Load)
        ):
            # No masked byte stores; unmasked float arithmetic raises flags gcc's loop does not.
            raise NotExpressible("no masked store")
        found, is_inverted = vector.predicate_vector(node, loaded=loaded)
        if is_inverted:
            ones = vector.name(vector.new())
            vector.emit("vpcmpeqd", ones, ones, ones)
            vector.emit("vpxor", ones, vector.name(found), vector.name(found))
        value = vector.value(lowered(spec.expression, spec), loaded=loaded)
        kind = "q" if spec.element.bits == 64 else "d"
        target = address(self.mapping.store)
        vector.emit(f"vpmaskmov{kind}", vector.name(value), vector.name(found), target)

    # -- after the vectors

    def _finish(self) -> None:
        if self.spec.family != "reduce":
            return
        self.vector.release(self.mark)
        is_sad = self.spec.operator == "add" and self.spec.element.bits == 8
        mnemonic = "vpaddq" if is_sad else self.vector.mnemonic(self.spec.operator)
        bits = 64 if is_sad else self.spec.element.bits
        fold(self.vector, self.accumulator, mnemonic, bits=bits)
        self._add_to_scalar()

    def _add_to_scalar(self) -> None:
        spec, vector = self.spec, self.vector
        assert self.mapping.accumulator is not None
        bits = spec.accumulator_bits
        width = 64 if bits == 64 else 32
        low = vector.name(self.accumulator, 128)
        result = f"%{spelled(self.temporary, width)}"
        vector.emit("vmovq" if width == 64 else "vmovd", low, result)
        suffix = "q" if width == 64 else "l"
        if spec.element.bits < 32 and spec.operator != "add":
            self._narrow_to_scalar()
            return
        target = f"%{spelled(self.mapping.accumulator, width)}"
        if spec.operator in ("min", "max"):
            vector.emit(f"mov{suffix}", result, target)
        else:
            vector.emit(f"{spec.operator}{suffix}", result, target)

    def _narrow_to_scalar(self) -> None:
        spec, vector = self.spec, self.vector
        assert self.mapping.accumulator is not None
        kind = {8: "b", 16: "w"}[spec.element.bits]
        part = f"%{spelled(self.temporary, spec.element.bits)}"
        whole = f"%{spelled(self.temporary, 32)}"
        own = f"%{spelled(self.mapping.accumulator, 32)}"
        own_part = f"%{spelled(self.mapping.accumulator, spec.element.bits)}"
        if self.extension == "partial" and spec.operator not in ("min", "max"):
            vector.emit(f"{spec.operator}{kind}", part, own_part)
            return
        vector.emit(f"mov{'s' if self.extension == 'sign' else 'z'}{kind}l", part, whole)
        if spec.operator not in ("min", "max"):
            vector.emit(f"{spec.operator}l", whole, own)
            return
        less = ("l", "g") if spec.element.is_signed else ("b", "a")
        vector.emit(f"cmp{kind}", own_part, part)
        vector.emit(f"cmov{less[0] if spec.operator == 'min' else less[1]}", whole, own)
