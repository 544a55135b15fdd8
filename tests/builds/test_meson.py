"""Meson takes llmcc for the gcc it is. (CC="llmcc gcc", two words, Meson itself refuses.)"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.builds.conftest import Installed, build_twice, need, run, write_units

PROJECT = """\
project('units', 'c', 'cpp', default_options: ['buildtype=release'])
compiler = meson.get_compiler('c')
conf = configuration_data()
conf.set('HAS_WRONG_FLAG', compiler.has_argument('-Wno-such-warning-exists-at-all=3'))
conf.set('HAS_PROTECTOR', compiler.has_argument('-fstack-protector-strong'))
conf.set('HAS_MEMFD', compiler.has_function('memfd_create', prefix: '#include <sys/mman.h>'))
conf.set('SIZE', compiler.sizeof('long'))
configure_file(output: 'config.h', configuration: conf)
units = static_library('units', 'unit0.c', 'unit1.c', 'unit2.c')
shared = shared_library('shared', 'unit3.c')
executable('program', 'main.c', link_with: [units, shared])
"""


@pytest.fixture
def environ(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment that finds the meson of this virtual environment."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    need("meson", "ninja")
    return {**installed.environ(), "PATH": f"{installed.folder}:{path}"}


def test_meson_takes_llmcc_for_gcc(
    installed: Installed, environ: dict[str, str], tmp_path: Path
) -> None:
    write_units(tmp_path, 4)
    (tmp_path / "meson.build").write_text(PROJECT)
    identities = []

    def look(folder: Path) -> None:
        told = json.loads(run("meson introspect --compilers build", folder, environ))
        identities.append({key: told["host"]["c"][key] for key in ("id", "version", "linker_id")})

    build_twice(
        tmp_path,
        ["meson setup build", "meson compile -C build", "build/program"],
        plain={**environ, "CC": "gcc", "CXX": "g++"},
        ours={**environ, "CC": "llmcc", "CXX": "llmcc-g++"},
        look=look,
    )
    assert identities[0] == identities[1]
    assert identities[0]["id"] == "gcc"
    # Four units and main; Meson's own probes are left alone.
    assert installed.asked_count() == 5
