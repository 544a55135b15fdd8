"""Settings files: who wins, what a project may say, and that C and Python read them alike."""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from llmcc.native.build import SOURCES, build
from llmcc.settings_files import SETTINGS, find_upwards, read_settings, user_file

PRINTER = """\
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "settings_files.h"
extern char **environ;
/* Each line of input is a folder and a home; the answer is what its files set. */
int main(void) {
    char folder[4096], home[4096];
    while (scanf("%4095s %4095s", folder, home) == 2) {
        clearenv();
        setenv("HOME", home, 1);
        if (chdir(folder) != 0)
            return 1;
        export_settings_files();
        for (char **at = environ; at && *at; at++)
            if (at[0][0] != 'H')
                fwrite(*at, 1, __builtin_strlen(*at) + 1, stdout);
        fwrite("\\n", 1, 2, stdout);
        fflush(stdout);
        forget_settings_files();
        for (char **at = environ; at && *at; at++)
            if (at[0][0] != 'H')
                return 2;
    }
    return 0;
}
"""

Reader = Callable[[Path, Path], dict[str, str]]


@pytest.fixture(scope="module")
def read_in_c(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("printer")
    home = build(folder / "cache", entries=())
    (folder / "printer.c").write_text(PRINTER)
    command = ["gcc", "-std=gnu11", f"-I{home}", f"-I{SOURCES}", "-o", str(folder / "printer")]
    sources = [SOURCES / "settings_files.c", SOURCES / "upwards.c"]
    command += [str(folder / "printer.c"), *map(str, sources)]
    subprocess.run(command, check=True)
    with subprocess.Popen(
        [folder / "printer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        writer, reader = process.stdin, process.stdout

        def read(place: Path, user: Path) -> dict[str, str]:
            writer.write(f"{place} {user}\n".encode())
            answer = b""
            while not answer.endswith(b"\n\0"):
                part = reader.read(1 << 17)
                assert part, "the printer ended"
                answer += part
            pairs = (os.fsdecode(item).partition("=") for item in answer[:-2].split(b"\0") if item)
            return {name: value for name, _, value in pairs}

        yield read


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home/.config/llmcc").mkdir(parents=True)
    (tmp_path / "home/work/sub").mkdir(parents=True)
    return tmp_path / "home"


def _both(read_in_c: Reader, home: Path, folder: Path) -> dict[str, str]:
    in_python = read_settings({"HOME": str(home)}, folder).from_files()
    assert read_in_c(folder, home) == in_python
    return in_python


TABLE: list[tuple[bytes, dict[str, str]]] = [
    (b"", {}),
    (b'mode = "apply"\n', {"LLMCC_MODE": "apply"}),
    (b"  mode\t= 'apply' # why\r\n", {"LLMCC_MODE": "apply"}),
    (b"mode='off'", {"LLMCC_MODE": "off"}),
    (b'mode = "fast"\n', {}),
    (b"mode = apply\n", {}),
    (b'mode = "apply" x\n', {}),
    (b'mode = "apply\nbudget = 5\n', {"LLMCC_BUDGET": "5"}),
    (b'mode = """apply"""\n', {}),
    (b'mode = "app\\u006cy"\n', {}),
    (b"budget = 2.5#half\nsamples = 007\nseed = -1\n", {"LLMCC_BUDGET": "2.5"}),
    (b"budget = 1_0\nsamples = 0x10\nseed = 1e3\n", {}),
    (b'budget = "12"\nsamples = 0\n', {"LLMCC_BUDGET": "12", "LLMCC_SAMPLES": "0"}),
    (b"budget = true\n", {"LLMCC_BUDGET": "1"}),
    (b'skip = "f g* h?"\n', {"LLMCC_SKIP": "f g* h?"}),
    (b'skip = ""\n', {"LLMCC_SKIP": ""}),
    (b'skip = "\xc3\xa9\xff"\n', {"LLMCC_SKIP": os.fsdecode(b"\xc3\xa9\xff")}),
    (b'skip = "a\x01"\nseed = 1\n', {"LLMCC_SEED": "1"}),
    (b'skip = "a"\0\nseed = 1\n', {}),
    (b"seed = 1\nseed = 2\n", {"LLMCC_SEED": "1"}),
    (b"seed = x\nseed = 2\n", {"LLMCC_SEED": "2"}),
    (b"seed = 1\n[more]\nbudget = 2\n", {"LLMCC_SEED": "1"}),
    (b"a.seed = 1\nse-ed = 2\nSEED = 3\n= 4\nseed 5\n", {}),
    (b"# seed = 1\n\n\t\n#\n", {}),
    (b"\xef\xbb\xbfseed = 1\n", {}),
    (b"seed = 1\n" + b"#" * (1 << 16), {}),
    # only for the user, or for nobody
    (b"cc = 'x'\nbackend = 'x'\nlog = 'x'\ntests = 'x'\ntest_cmd = 'x'\n", {}),
    (b"remote = 'x'\nlock = 'x'\ncxx = 'x'\ncap = '1G'\ndir = 'x'\nas = 'x'\npath = 'x'\n", {}),
    (b"disable = true\nstrict = true\nremote_secret = 'x'\n", {}),
]


@pytest.mark.parametrize(("content", "expected"), TABLE)
def test_a_projects_file_is_read_alike(
    read_in_c: Reader, home: Path, content: bytes, expected: dict[str, str]
) -> None:
    (home / "work/llmcc.toml").write_bytes(content)
    assert _both(read_in_c, home, home / "work") == expected


def test_the_user_may_set_everything(read_in_c: Reader, home: Path) -> None:
    values = {"number": "3", "size": "5M", "text": "/some where"}
    lines = [
        f'{setting.key} = "{values.get(setting.form, setting.form.split("|")[-1])}"'
        for setting in SETTINGS
    ]
    (home / ".config/llmcc/config.toml").write_text("\n".join(lines))
    found = _both(read_in_c, home, home / "work")
    assert set(found) == {setting.variable for setting in SETTINGS}
    assert found["LLMCC_TEST_CMD"] == "/some where"
    assert found["LLMCC_CAP"] == "5M"


def test_environment_beats_project_beats_user(home: Path) -> None:
    (home / ".config/llmcc/config.toml").write_text("seed = 1\nbudget = 1\nsamples = 1\n")
    (home / "work/llmcc.toml").write_text("seed = 2\nbudget = 2\n")
    environ = {"HOME": str(home), "LLMCC_SEED": "3", "LLMCC_MODE": ""}
    values = {
        value.setting.key: (value.text, value.origin)
        for value in read_settings(environ, home / "work/sub").values
    }
    assert values["seed"] == ("3", "environment")
    assert values["mode"] == ("", "environment")
    assert values["budget"] == ("2", str(home / "work/llmcc.toml"))
    assert values["samples"] == ("1", str(home / ".config/llmcc/config.toml"))
    assert values["require"] == ("tested", "default")


_NAMES = st.sampled_from(["mode", "seed", "budget", "skip", "cc", "nothing", "[seed]"])
_VALUES = st.sampled_from(['"apply"', "'off'", "1", "0.5", "true", "false", '""', "01", '"a\\n"'])
_LINES = st.one_of(
    st.tuples(_NAMES, st.sampled_from(["=", " = ", "==", " "]), _VALUES).map("".join),
    st.text(st.sampled_from("seed=1.0 \t\r'\"\\#[]_x\x7f\x01é"), max_size=20),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(_LINES, max_size=5))
@example(["seed = 1'"])
def test_any_file_is_read_alike(read_in_c: Reader, home: Path, lines: list[str]) -> None:
    (home / "work/llmcc.toml").write_bytes("\n".join(lines).encode())
    _both(read_in_c, home, home / "work")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(_LINES)
def test_what_a_line_sets_is_what_toml_says(home: Path, line: str) -> None:
    path = home / ".config/llmcc/config.toml"
    path.write_bytes(line.encode())
    for variable, value in read_settings({"HOME": str(home)}, home).from_files().items():
        meant = tomllib.loads(line.replace("\r\n", "\n").removesuffix("\r"))
        said = meant[variable.removeprefix("LLMCC_").lower()]
        expected = {True: "1", False: "0"}[said] if isinstance(said, bool) else str(said)
        assert value == expected or float(value) == float(expected)


def test_the_nearest_file_counts_and_git_ends_the_search(read_in_c: Reader, home: Path) -> None:
    (home / "llmcc.toml").write_text("seed = 1\n")
    assert _both(read_in_c, home, home / "work/sub") == {"LLMCC_SEED": "1"}
    (home / "work/llmcc.toml").write_text("seed = 2\n")
    assert _both(read_in_c, home, home / "work/sub") == {"LLMCC_SEED": "2"}
    (home / "work/sub/.git").mkdir()
    assert _both(read_in_c, home, home / "work/sub") == {}
    (home / "work/sub/llmcc.toml").write_text("seed = 3\n")
    assert _both(read_in_c, home, home / "work/sub") == {"LLMCC_SEED": "3"}


def test_nothing_above_the_home_folder_is_read(read_in_c: Reader, home: Path) -> None:
    (home.parent / "llmcc.toml").write_text("seed = 1\n")
    assert _both(read_in_c, home, home / "work") == {}
    assert _both(read_in_c, home.parent / "elsewhere", home / "work") == {"LLMCC_SEED": "1"}


@pytest.mark.parametrize("mode", [0o666, 0o664])
def test_a_file_others_can_write_does_not_count(read_in_c: Reader, home: Path, mode: int) -> None:
    path = home / "work/llmcc.toml"
    path.write_text("seed = 1\n")
    path.chmod(mode)
    assert _both(read_in_c, home, home / "work") == {}
    ignored = read_settings({"HOME": str(home)}, home / "work").ignored
    assert [(one.path, one.line, one.why) for one in ignored] == [
        (path, 0, "can be written by others")
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_somebody_else_does_not_count(read_in_c: Reader, home: Path) -> None:
    path = home / "work/llmcc.toml"
    path.write_text("seed = 1\n")
    os.chown(path, 12345, 12345)
    assert _both(read_in_c, home, home / "work") == {}


def test_a_folder_or_a_pipe_of_that_name_stops_nothing(read_in_c: Reader, home: Path) -> None:
    (home / "work/llmcc.toml").mkdir()
    os.mkfifo(home / "work/sub/llmcc.toml")
    assert _both(read_in_c, home, home / "work") == {}
    assert _both(read_in_c, home, home / "work/sub") == {}


def test_what_is_left_out_is_told(home: Path) -> None:
    (home / "work/llmcc.toml").write_text("cc = 'evil'\nmodel = 1\nseed = x\nbudget = 'much'\n")
    ignored = read_settings({"HOME": str(home)}, home / "work").ignored
    assert [(one.line, one.why) for one in ignored] == [
        (1, "a project may not set 'cc'"),
        (2, "there is no setting 'model' for files"),
        (3, "not a key, = and one string, number, true or false"),
        (4, "'much' is not a value of 'budget' (number)"),
    ]


def test_the_users_file_is_where_platformdirs_puts_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for shared in (str(tmp_path / "x"), None):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("XDG_CONFIG_HOME")
        if shared:
            monkeypatch.setenv("XDG_CONFIG_HOME", shared)
        expected = Path(platformdirs.user_config_dir("llmcc")) / "config.toml"
        assert user_file(dict(os.environ)) == expected
        monkeypatch.setenv("XDG_CONFIG_HOME", "x")


def test_a_folder_that_is_gone_has_no_project(home: Path) -> None:
    assert find_upwards("llmcc.toml", home / "gone", {}) is None
