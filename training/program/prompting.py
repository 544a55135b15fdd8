"""The published prompt, and the assembly in a response."""

from __future__ import annotations

from llmcc.training.program.rows import Row, without_fence


def prompt_of(row: Row, *, with_assembly: bool = True) -> str:
    """Write the one user turn of the paper; there is no system prompt.

    Source: `question` and `c_only_question` of convert_to_hf_raw.py. The authors' script says
    "unoptimized assembly code"; the rows they released say "assembly code", as here.
    """
    what = "C code and assembly code" if with_assembly else "C code"
    assembly = f"Assembly Code:\n\n```assembly\n{row.assembly}```\n\n" if with_assembly else ""
    return (
        f"Given the following {what}, your task is to generate highly optimized x86-64 assembly "
        f"code.\nC Code:\n\n```c\n{row.c}```\n\n{assembly}"
        "Only output the optimized assembly code. Do not include any other text. Do not write any "
        "comments in the assembly code. Wrap the assembly code in ```assembly``` tags.\n"
        "Optimized Assembly Code:\n"
    )


def answer_of(assembly: str) -> str:
    """Write assembly as a response: what supervised training teaches."""
    return f"```assembly\n{assembly}```"


def assembly_of(response: str) -> str:
    """Take the assembly out of a response.

    The first block fenced as ```assembly, up to its closing fence or the end. A response without
    one is read as the paper reads every response: with the fence marks deleted.
    """
    _, opening, rest = response.partition("```assembly\n")
    return rest.partition("```")[0] if opening else without_fence(response)
