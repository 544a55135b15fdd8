"""CMake takes llmcc for the gcc it is: same identification, same objects, both generators."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.builds.conftest import Installed, build_twice, need, write_units

LISTS = """\
cmake_minimum_required(VERSION 3.16)
project(units C CXX)
include(CheckCSourceCompiles)
include(CheckCCompilerFlag)
check_c_compiler_flag(-Wno-such-warning-exists HAS_WRONG_FLAG)
check_c_compiler_flag(-fstack-protector-strong HAS_PROTECTOR)
check_c_source_compiles("int main(void) { return __builtin_popcount(3); }" HAS_POPCOUNT)
file(WRITE ${CMAKE_BINARY_DIR}/verdicts.h
     "${HAS_WRONG_FLAG} ${HAS_PROTECTOR} ${HAS_POPCOUNT} ${CMAKE_C_COMPILER_ID}"
     " ${CMAKE_C_COMPILER_VERSION} ${CMAKE_C_COMPILER_AR} ${CMAKE_C_IMPLICIT_LINK_DIRECTORIES}")
add_library(units STATIC unit0.c unit1.c unit2.c)
add_executable(program main.c)
target_link_libraries(program units)
add_executable(program_cxx main.cpp)
target_link_libraries(program_cxx units)
if(WITH_LTO)
  include(CheckIPOSupported)
  check_ipo_supported(LANGUAGES C)
  set_target_properties(units program PROPERTIES INTERPROCEDURAL_OPTIMIZATION ON)
endif()
"""
COMMANDS = ["cmake -S . -B build -DCMAKE_BUILD_TYPE=Release $OPTIONS", "cmake --build build -j2"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    need("cmake")
    write_units(tmp_path, 3)
    header = (tmp_path / "units.h").read_text()
    (tmp_path / "units.h").write_text(
        '#ifdef __cplusplus\nextern "C" {\n#endif\n' + header + "#ifdef __cplusplus\n}\n#endif\n"
    )
    shutil.copy(tmp_path / "main.c", tmp_path / "main.cpp")
    (tmp_path / "CMakeLists.txt").write_text(LISTS)
    return tmp_path


def _facts(files: dict[str, bytes], language: str) -> dict[str, str]:
    """Return what CMake found out about a compiler, but for paths of programs."""
    name = next(name for name in files if name.endswith(f"CMake{language}Compiler.cmake"))
    found = re.findall(r"^set\((\w+) (.*)\)$", files[name].decode(), re.MULTILINE)
    paths = (f"{language}_COMPILER", f"{language}_COMPILER_AR", f"{language}_COMPILER_RANLIB")
    return {key: value for key, value in found if not key.endswith(paths)}


def test_cmake_takes_llmcc_for_gcc(installed: Installed, project: Path) -> None:
    need("ninja")
    environ = installed.environ(CMAKE_GENERATOR="Ninja", OPTIONS="")
    expected, got = build_twice(
        project,
        COMMANDS,
        plain={**environ, "CC": "gcc", "CXX": "g++"},
        ours={**environ, "CC": "llmcc", "CXX": "llmcc-g++"},
    )
    for language in ("C", "CXX"):
        facts = _facts(dict(got.files), language)
        assert facts == _facts(dict(expected.files), language)
        assert facts[f"CMAKE_{language}_COMPILER_ID"] == '"GNU"'
    # Three units, two programs; CMake's own probes are left alone.
    assert installed.asked_count() == 5


def test_cmake_starts_llmcc_as_a_launcher(installed: Installed, project: Path) -> None:
    environ = installed.environ(CMAKE_GENERATOR="Unix Makefiles", CC="gcc", CXX="g++", OPTIONS="")
    launcher = " ".join(f"-DCMAKE_{lang}_COMPILER_LAUNCHER=llmcc" for lang in ("C", "CXX"))
    build_twice(project, COMMANDS, plain=environ, ours={**environ, "OPTIONS": launcher})
    assert installed.asked_count() == 5


def test_cmake_finds_the_archiver_for_lto_beside_llmcc_gcc(
    installed: Installed, project: Path
) -> None:
    options = "-DWITH_LTO=ON -DCMAKE_POLICY_DEFAULT_CMP0069=NEW -DCMAKE_C_FLAGS=-frandom-seed=1"
    environ = installed.environ(CMAKE_GENERATOR="Unix Makefiles", OPTIONS=options)
    archive = "build/libunits.a"
    expected, got = build_twice(
        project,
        [*COMMANDS, "build/program"],
        plain={**environ, "CC": "gcc", "CXX": "g++"},
        ours={**environ, "CC": "llmcc-gcc", "CXX": "llmcc-g++"},
        # CMake's trial of LTO has random names in its objects.
        apart="_CMakeLTOTest|verdicts.h",
    )
    assert got.files[archive] == expected.files[archive]
    assert b"llmcc-gcc-ar" in got.files["build/CMakeCache.txt"]
