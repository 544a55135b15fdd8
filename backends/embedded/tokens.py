"""Turn canonical assembly text into tokens of a closed vocabulary, and back.

One token is one mnemonic, register spelling, label, punctuation mark, EVEX decoration or number.
A comma right after a register, a closing parenthesis or a decoration is left out, because it
follows from what comes next; `render` puts it back. Numbers are decimal; those outside `NUMBERS`
are spelled digit by digit. Anything else is `UNKNOWN`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from llmcc.backends.embedded.mnemonics import MNEMONICS
from llmcc.x86.registers import REGISTERS

PADDING, UNKNOWN, END, SEPARATOR, NEWLINE = "<pad>", "<unk>", "<eos>", "<sep>", "<nl>"
ISA_TOKENS = ("<avx2>", "<avx512>")
CONTRACT_TOKENS = (
    *("<wide>", "<induction>", "<accumulator>", "<invariant>"),
    *("<scratch>", "<vector>", "<loop>"),
)
_RESERVED = tuple(f"<reserved{n}>" for n in range(16))
_SPECIAL = (PADDING, UNKNOWN, END, SEPARATOR, NEWLINE, *ISA_TOKENS, *CONTRACT_TOKENS, *_RESERVED)
_PUNCTUATION = ("(", ")", ",", "$", "-", "+", ":")
_DECORATIONS = (
    *(f"{{%k{n}}}" for n in range(1, 8)),
    "{z}",
    *(f"{{1to{n}}}" for n in (2, 4, 8, 16, 32)),
)
LABELS = (
    ".LH",
    *(f".LB{n}" for n in range(1, 25)),
    *(f".LX{n}" for n in range(12)),
    *(f".LR{n}" for n in range(24)),
    *(f".LK{n}" for n in range(24)),
)
_POWERS = tuple(2**n for n in range(64))
_LIMITS = (127, 255, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1)
NUMBERS = tuple(str(n) for n in sorted({*range(65), *_POWERS, *_LIMITS}))
_REGISTER_TOKENS = (*(f"%{name}" for name in REGISTERS), "%rip")

# The vocabulary's length is a multiple of this, so that matrix sizes stay round.
_VOCABULARY_STEP = 64

_WORD = re.compile(
    r"\n|<[a-z0-9]+>|\{[^{}\s]*\}|%[a-z0-9]+|\.L[A-Z]+[0-9]*|[a-z][a-z0-9]*"
    r"|0x[0-9a-f]+|[0-9]+|[^ \t]"
)
_NUMBER_WORDS = frozenset(NUMBERS)
_NO_COMMA_BEFORE = frozenset((",", ")", ":", NEWLINE, *_SPECIAL))


def lex(text: str) -> list[str]:
    """Split text into token texts; words outside the vocabulary are kept as they are."""
    words: list[str] = []
    for match in _WORD.finditer(text):
        word = match[0]
        if word == "\n":
            words.append(NEWLINE)
        elif word == "," and words and _closes_operand(words[-1]):
            continue
        elif word[0].isdigit():
            # gcc writes the bits of floating-point constants in hexadecimal
            number = str(int(word, 0)) if word.startswith("0x") else word
            words += [number] if number in _NUMBER_WORDS else number
        else:
            words.append(word)
    return words


def is_in_rewrite(token: str) -> bool:
    """Tell whether a rewrite may hold the token, the end token included."""
    return token in (NEWLINE, END) or not token.startswith("<")


def render(words: Iterable[str]) -> str:
    """Write token texts as canonical text: one instruction or label a line, gcc's spacing.

    Any sequence of words is accepted; a senseless one gives senseless text.
    """
    lines: list[list[str]] = [[]]
    for word in words:
        if word == NEWLINE:
            lines.append([])
        else:
            lines[-1].append(word)
    return "\n".join(map(_render_line, lines))


def _closes_operand(word: str) -> bool:
    return word[0] in "%)" or word[-1] == "}"


def _render_line(words: Sequence[str]) -> str:
    if not words:
        return ""
    if words[-1] == ":":
        return "".join(words)
    is_contract = words[0] in _SPECIAL
    pieces = [words[0] if is_contract else f"\t{words[0]}"]
    depth = 0
    for before, word in pairwise(words):
        depth += word == "("
        is_first = before is words[0] and len(pieces) == 1
        if before in _SPECIAL or word in _SPECIAL:
            pieces.append(" ")
        elif is_first:
            pieces.append("\t")
        elif _closes_operand(before) and word not in _NO_COMMA_BEFORE and word[0] != "{":
            pieces.append("," if depth - (word == "(") else ", ")
        pieces.append(", " if word == "," and depth == 0 else word)
        depth -= word == ")"
    return "".join(pieces)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokens a model knows; a token's id is its index."""

    tokens: tuple[str, ...]
    ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the tokens."""
        object.__setattr__(self, "ids", {token: n for n, token in enumerate(self.tokens)})

    def __len__(self) -> int:
        """Count the tokens, spare ones included."""
        return len(self.tokens)

    def encode(self, text: str) -> list[int]:
        """Turn canonical text into ids; what the vocabulary lacks becomes `UNKNOWN`."""
        unknown = self.ids[UNKNOWN]
        return [self.ids.get(word, unknown) for word in lex(text)]

    def decode(self, ids: Iterable[int]) -> str:
        """Turn ids into text an assembler reads."""
        return render(self.tokens[n] for n in ids)

    @property
    def sha256(self) -> str:
        """Identify the vocabulary, in hexadecimal."""
        return hashlib.sha256("\n".join(self.tokens).encode()).hexdigest()


@cache
def standard_vocabulary() -> Vocabulary:
    """Build the vocabulary new models are trained with, the same on every machine."""
    tokens = [
        *_SPECIAL,
        *_PUNCTUATION,
        *_DECORATIONS,
        *LABELS,
        *NUMBERS,
        *_REGISTER_TOKENS,
        *MNEMONICS,
    ]
    spare = -len(tokens) % _VOCABULARY_STEP
    tokens += [f"<spare{n}>" for n in range(spare)]
    return Vocabulary(tuple(tokens))


def tokenizer_json(vocabulary: Vocabulary) -> str:
    """Write a vocabulary as the `tokenizer.json` of Hugging Face tokenizers.

    The tokenizer is WordLevel over text whose tokens are separated by spaces, as made by
    ``" ".join(lex(text))``.
    """
    special = [
        {
            "id": vocabulary.ids[token],
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for token in _SPECIAL
        if token in vocabulary.ids
    ]
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary.ids, "unk_token": UNKNOWN},
    }
    return json.dumps(document, indent=0) + "\n"


def read_tokenizer_json(text: str) -> Vocabulary:
    """Read what `tokenizer_json` wrote.

    Raises:
        ValueError: the text is not such a file.
    """
    try:
        ids: dict[str, int] = json.loads(text)["model"]["vocab"]
        tokens = sorted(ids, key=ids.__getitem__)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("tokenizer.json holds no word-level vocabulary") from error
    if [ids[token] for token in tokens] != list(range(len(tokens))) or UNKNOWN not in ids:
        raise ValueError("tokenizer.json numbers its tokens with gaps")
    return Vocabulary(tuple(tokens))
