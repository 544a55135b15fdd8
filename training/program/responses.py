"""Where responses come from: a file, a server of OpenAI's protocol, or the prompt itself."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcc.training.program.prompting import answer_of, prompt_of
from llmcc.training.program.rows import Row

_TOKENS_MOST = 2000  # the paper's max_new_tokens
_ANSWER_S = 600.0


class NoAnswer(Exception):
    """A server did not answer, or not with a completion."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server of chat completions."""

    url: str  # up to and with /v1
    model: str
    temperature: float = 0.0  # the paper's

    def ask(self, row: Row, *, with_assembly: bool = True) -> str:
        """Ask for one response; the key, if any, is in OPENAI_API_KEY.

        Raises:
            NoAnswer: there is none.
        """
        question = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt_of(row, with_assembly=with_assembly)}],
            "max_tokens": _TOKENS_MOST,
            "temperature": self.temperature,
        }
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get("OPENAI_API_KEY"):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(
            f"{self.url.rstrip('/')}/chat/completions", json.dumps(question).encode(), headers
        )
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_S) as reply:
                content = json.load(reply)["choices"][0]["message"]["content"]
        except (urllib.error.URLError, TimeoutError, ValueError, LookupError, TypeError) as error:
            raise NoAnswer(f"{self.url}: {error}") from error
        return content if isinstance(content, str) else ""


def copies(rows: Sequence[Row]) -> dict[str, str]:
    """Answer every row with the assembly of its prompt."""
    return {row.id: answer_of(row.assembly) for row in rows}


def read_responses(path: Path) -> dict[str, str]:
    """Read {"id": …, "response": …}, one a line; of several for one id the first counts.

    Raises:
        ValueError: a line is not of that form; the message names it.
    """
    responses: dict[str, str] = {}
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            try:
                record = json.loads(line)
                identity, response = str(record["id"]), record["response"]
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path}:{number}: not a response: {error}") from error
            if not isinstance(response, str):
                raise ValueError(f"{path}:{number}: the response is not text")
            responses.setdefault(identity, response)
    return responses


def ask_all(server: Server, rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Ask for one response a row, one after another.

    Raises:
        NoAnswer: the server gave none.
    """
    for row in rows:
        yield row.id, server.ask(row)


def response_line(identity: str, response: str) -> str:
    """Write a response as `read_responses` reads it."""
    record: Mapping[str, str] = {"id": identity, "response": response}
    return json.dumps(record, ensure_ascii=False) + "\n"
