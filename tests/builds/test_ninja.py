"""Ninja with CC=llmcc: the dependencies it reads are right, and it finds nothing to do again."""

from __future__ import annotations

from pathlib import Path

from tests.builds.conftest import Installed, build_twice, need, write_units

RULES = """\
rule cc
  command = $cc -O3 -MD -MF $out.d -c $in -o $out
  depfile = $out.d
  deps = gcc
rule link
  command = $cc -O3 $in -o $out
"""


def test_ninja_reads_gccs_dependencies(installed: Installed, tmp_path: Path) -> None:
    need("ninja")
    write_units(tmp_path, 6)
    names = ["main", *(f"unit{i}" for i in range(6))]
    for compiler in ("gcc", "llmcc"):
        builds = "".join(f"build out/{name}.o: cc {name}.c\n" for name in names)
        builds += f"build program: link {' '.join(f'out/{name}.o' for name in names)}\n"
        (tmp_path / f"{compiler}.build").write_text(f"cc = {compiler}\n{RULES}{builds}")
    command = "ninja -f $CC.build && ninja -f $CC.build && ninja -f $CC.build -t deps | sort"
    expected, got = build_twice(
        tmp_path,
        [command.replace("sort", "sed 's/mtime [0-9]*//' | sort")],
        plain=installed.environ(CC="gcc"),
        ours=installed.environ(CC="llmcc"),
    )
    assert "no work to do" in got.output
    assert "units.h" in got.output
    dependencies = [
        [line for line in build.output.splitlines() if not line.startswith("[")]
        for build in (expected, got)
    ]
    assert dependencies[0] == dependencies[1]
    assert installed.asked_count() == 7
