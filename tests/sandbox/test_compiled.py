"""Native code that is compiled at first use."""

from pathlib import Path

import pytest

from llmcc.native import compiled as module
from llmcc.native.compiled import NotCompiled, compiled


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "answer.c").write_text("int answer(void) { return 42; }\n")
    monkeypatch.setattr(module, "_FOLDER", folder)
    return folder


def _compiled(cache: Path, *options: str) -> Path:
    return compiled(cache, "answer.so", sources=("answer.c",), options=("-shared", *options))


def test_the_same_code_is_compiled_once_and_other_code_or_options_anew(
    tmp_path: Path, sources: Path
) -> None:
    first = _compiled(tmp_path)
    made = first.stat().st_mtime_ns
    assert _compiled(tmp_path) == first
    assert first.stat().st_mtime_ns == made
    assert _compiled(tmp_path, "-O2") != first
    (sources / "answer.c").write_text("int answer(void) { return 43; }\n")
    assert _compiled(tmp_path) != first


def test_code_that_does_not_compile_leaves_nothing_and_says_what_gcc_said(
    tmp_path: Path, sources: Path
) -> None:
    (sources / "answer.c").write_text("int answer(void) { return fortytwo; }\n")
    with pytest.raises(NotCompiled, match=r"(?s)answer\.so does not compile: .*fortytwo"):
        _compiled(tmp_path)
    assert not [path for path in (tmp_path / "bin").rglob("*") if path.is_file()]


def test_a_cache_that_others_can_write_to_is_not_trusted(tmp_path: Path, sources: Path) -> None:
    _compiled(tmp_path).parent.chmod(0o777)
    with pytest.raises(NotCompiled, match="can be written by, somebody else"):
        _compiled(tmp_path)
