"""Who answers in an evaluation: a model, nobody, other loops' rewrites, or a compiler.

Each gives some independent samples a loop; None stands for a sample without a rewrite.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llmcc.backends.embedded.backend import LoadedModel, load_model, renamings
from llmcc.backends.embedded.prompt import in_style
from llmcc.backends.embedded.runtime import Sampling
from llmcc.backends.embedded.tokens import END, UNKNOWN
from llmcc.regions.model import Contract, Region
from llmcc.training.dataset import PairRecord, prompt_ids
from llmcc.training.lift import lifted_rewrites
from llmcc.x86.registers import GPR, REGISTERS, spelled

_RENAMINGS = 4
_MAX_NEW_TOKENS = 400

Answers = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Proposer:
    """One row of an evaluation."""

    name: str  # for the table
    fingerprint: str  # changes whenever the answers may
    answer: Callable[[PairRecord], Answers]


def nobody() -> Proposer:
    """The row of what llmcc does without a model: gcc's loop stays."""
    return Proposer("no model", "none", lambda record: (None,))


def model_proposer(
    name: str, path: Path, *, samples: int, temperature: float, seed: int
) -> Proposer:
    """Sample a model: independent draws, spread over a few renamings of the loop's registers.

    path: a directory written by `llmcc-train export`, or a checkpoint.

    Raises:
        WeightsError: the directory holds no model.
        ValueError: the checkpoint is of another version.
    """
    with _exported(path) as directory:
        model = load_model(directory)
        digest = hashlib.blake2b(digest_size=8)
        for part in ("config.json", "tokenizer.json", "model.safetensors"):
            digest.update((directory / part).read_bytes())

    def answer(record: PairRecord) -> Answers:
        return sample_model(model, record, samples=samples, temperature=temperature, seed=seed)

    fingerprint = f"{digest.hexdigest()} {samples} {temperature} {seed}"
    return Proposer(name, fingerprint, answer)


def sample_model(
    model: LoadedModel, record: PairRecord, *, samples: int, temperature: float, seed: int
) -> Answers:
    """Draw `samples` continuations; those that do not end, and unknown words, give None."""
    vocabulary = model.vocabulary
    prompt = in_style(record.prompt, model.style)
    ids = np.array(prompt_ids(prompt, vocabulary), dtype=np.int64)
    if vocabulary.ids[UNKNOWN] in ids:
        return (None,) * samples
    noise = zlib.crc32(prompt.encode()) ^ (seed << 32)
    tables = renamings(ids, vocabulary, min(samples, _RENAMINGS), seed=noise)
    drawn = model.transformer.sample(
        [table[ids] for table in tables],
        Sampling(
            count=samples,
            temperature=temperature,
            max_new_tokens=_MAX_NEW_TOKENS,
            end_id=vocabulary.ids[END],
            never=model.never,
            seed=noise,
            has_greedy=False,
        ),
    )
    originals = [np.argsort(table) for table in tables]
    texts: list[str | None] = [
        vocabulary.decode(originals[sample.prompt][list(sample.ids)].tolist()) + "\n"
        for sample in drawn
    ]
    return (*texts, *[None] * (samples - len(texts)))


def random_proposer(pool: Iterable[PairRecord], *, samples: int, seed: int) -> Proposer:
    """Answer with right rewrites of other loops, registers renamed part for part.

    pool: records with regions; those without a rewrite are passed over. Their digest is in the
    fingerprint.
    """
    by_isa: dict[str, list[tuple[str, Region]]] = {}
    digest = hashlib.blake2b(digest_size=8)
    for record in pool:
        if record.rewrite and record.region is not None:
            by_isa.setdefault(record.isa, []).append((record.rewrite, record.region))
            digest.update(record.rewrite.encode())

    def answer(record: PairRecord) -> Answers:
        known = by_isa.get(record.isa, [])
        if not known or record.region is None:
            return (None,) * samples
        rng = random.Random(f"{seed} {record.id}")
        chosen = rng.choices(known, k=samples)
        contract = record.region.contract
        return tuple(borrowed(text, region.contract, contract) for text, region in chosen)

    return Proposer("random valid proposals", f"{digest.hexdigest()} {samples} {seed}", answer)


def compiler_proposer() -> Proposer:
    """Answer with what compilers make of the loop for its ISA."""

    def answer(record: PairRecord) -> Answers:
        if record.region is None:
            return (None,)
        return tuple(text for _, text in lifted_rewrites(record.region, record.isa)) or (None,)

    return Proposer("recompile the loop", "lifted 1", answer)


def borrowed(text: str, theirs: Contract, ours: Contract) -> str:
    """Rename the registers of another loop's rewrite after the parts they play in its contract."""
    names: dict[str, str] = {}
    for old, new in zip(_parts(theirs), _parts(ours), strict=True):
        # Where a part is missing here, the name stays; the gate decides whether it may.
        names.update(zip(old, new, strict=False))
    pieces = text.split("%")
    return "%".join([pieces[0], *(_renamed(piece, names) for piece in pieces[1:])])


def _parts(contract: Contract) -> Iterator[list[str]]:
    inductions = [induction.register for induction in contract.inductions]
    for part in (inductions, contract.accumulators, contract.invariants, contract.scratch):
        for is_general in (True, False):
            yield [family for family in part if (family in GPR) == is_general]
    yield list(contract.vector_scratch)


def _renamed(piece: str, names: dict[str, str]) -> str:
    length = next((n for n, sign in enumerate(piece) if not sign.isalnum()), len(piece))
    register = REGISTERS.get(piece[:length])
    if register is None or register.is_high_byte or register.family not in names:
        return piece
    return spelled(names[register.family], register.bits) + piece[length:]


@contextmanager
def _exported(path: Path) -> Iterator[Path]:
    """Give a directory of weights: the path itself, or a checkpoint exported for the moment."""
    if path.is_dir() and not (path / "checkpoint.pt").exists():
        yield path
        return
    # Only a checkpoint needs torch.
    from llmcc.training.checkpoint import load
    from llmcc.training.export import write_model

    file = path / "checkpoint.pt" if path.is_dir() else path
    with tempfile.TemporaryDirectory() as directory:
        write_model(load(file), Path(directory))
        yield Path(directory)
