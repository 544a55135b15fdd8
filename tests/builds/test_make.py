"""CC=llmcc with make: every object and program is gcc's, and so is what make prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builds.conftest import Installed, build_twice, write_units

MAKEFILE = """\
CFLAGS = -O2
OBJECTS = $(patsubst %.c,%.o,$(wildcard unit*.c)) main.o
program: $(OBJECTS)
	+$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(OBJECTS)
%.o: %.c
	@$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
-include *.d
"""
RECURSIVE = """\
all:
	$(MAKE) -C one
	$(MAKE) -C two
	$(MAKE) -C one program
"""


COUNT = 6  # units, and one with main


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_units(tmp_path, COUNT)
    (tmp_path / "Makefile").write_text(MAKEFILE)
    return tmp_path


@pytest.mark.parametrize(
    ("flags", "asked"),
    [
        ("-O2", True),
        ("-O3 -g -fPIC -pipe", True),
        ("-Os", False),
        ("-O2 -flto -frandom-seed=1", False),
        ("-O2 -flto=jobserver -frandom-seed=1", False),
        ("-O2 -fsanitize=address,undefined", False),
        ("-O2 --coverage -frandom-seed=1", False),
    ],
)
def test_a_parallel_make_builds_what_gcc_builds(
    installed: Installed, project: Path, flags: str, asked: bool
) -> None:
    command = f"make -j8 CFLAGS='{flags}' && make -q CFLAGS='{flags}' && ./program"
    _, got = build_twice(
        project,
        [command],
        plain=installed.environ(CC="gcc"),
        ours=installed.environ(CC="llmcc"),
    )
    assert installed.asked_count() == (COUNT + 1 if asked else 0)
    assert "warning" not in got.output
    assert sum(name.endswith(".o") for name in got.files) == COUNT + 1


def test_a_recursive_make_shares_its_jobs(installed: Installed, project: Path) -> None:
    for name in ("one", "two"):
        (project / name).mkdir()
        write_units(project / name, 4)
        (project / name / "Makefile").write_text(MAKEFILE)
    (project / "Makefile").write_text(RECURSIVE)
    expected, got = build_twice(
        project,
        ["make -j3 --no-print-directory CC=$CC"],
        plain=installed.environ(CC="gcc"),
        ours=installed.environ(CC="llmcc"),
    )
    # Lines of jobs that run at once come in any order.
    words = sorted(got.output.replace("llmcc -O2", "gcc -O2").split("\n"))
    assert words == sorted(expected.output.split("\n"))


@pytest.mark.parametrize("flags", ["-O2 -fprofile-values", "-O3 -flto"])
def test_a_profile_is_made_and_used_as_with_gcc(
    installed: Installed, project: Path, flags: str
) -> None:
    make = f"make -j2 CFLAGS='{flags} -frandom-seed=1"
    build_twice(
        project,
        [
            f"{make} -fprofile-generate -fno-profile-values' && ./program",
            "rm *.o program",
            f"{make} -fprofile-use -fno-profile-values -Wmissing-profile -Werror' && ./program",
        ],
        plain=installed.environ(CC="gcc"),
        ours=installed.environ(CC="llmcc"),
    )
    assert installed.asked_count() == 0


def test_a_project_in_cxx_is_built_as_by_gxx(installed: Installed, tmp_path: Path) -> None:
    write_units(tmp_path, 4, suffix=".cpp")
    (tmp_path / "Makefile").write_text(
        MAKEFILE.replace(".c", ".cpp").replace("-include *.cpp", "-include *")
        .replace("$(CC)", "$(CXX)")
    )  # fmt: skip
    build_twice(
        tmp_path,
        ["make -j2 CFLAGS='-O3 -g -std=c++17' && ./program"],
        plain=installed.environ(CXX="g++"),
        ours=installed.environ(CXX="llmcc-g++"),
    )
    assert installed.asked_count() == 5


def test_a_folder_with_gcc_in_front_of_path_stands_for_gcc(
    installed: Installed, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    links = tmp_path_factory.mktemp("masquerade")
    for name, script in (("gcc", "llmcc"), ("cc", "llmcc"), ("g++", "llmcc-g++")):
        (links / name).symlink_to(installed.folder / script)
    installed.add(list(links.iterdir()))
    plain = installed.environ(CC="gcc")
    _, got = build_twice(
        project,
        ["make -j2 CC=$CC && cc -O2 -c main.c -o again.o && g++ -O2 -x c++ -c main.c -o cxx.o"],
        plain=plain,
        ours={**plain, "PATH": f"{links}:{plain['PATH']}"},
    )
    assert installed.asked_count() == COUNT + 3
    assert "again.o" in got.files
