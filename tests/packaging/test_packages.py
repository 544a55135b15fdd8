"""What pyproject.toml says about packages is what the tree holds."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest


def _setuptools(checkout: Path) -> dict:
    return tomllib.loads((checkout / "pyproject.toml").read_text())["tool"]["setuptools"]


def _packages_in(checkout: Path) -> set[str]:
    roots = {"llmcc": "llmcc", "llmcc.backends": "backends", "llmcc.training": "training"}
    found = set()
    for name, folder in roots.items():
        for init in (checkout / folder).rglob("__init__.py"):
            inside = init.parent.relative_to(checkout / folder).parts
            # Links are followed by neither the build nor this walk.
            if any(parent.is_symlink() for parent in [init.parent, *init.parents]):
                continue
            found.add(".".join([name, *inside]))
    return found


def test_package_list_is_the_tree(checkout: Path) -> None:
    assert set(_setuptools(checkout)["packages"]) == _packages_in(checkout)


def test_every_script_file_is_there_and_executable(checkout: Path) -> None:
    for name in _setuptools(checkout)["script-files"]:
        assert (checkout / name).stat().st_mode & 0o111, name
        assert (checkout / name).read_text().startswith("#!/bin/sh\n"), name


def test_links_for_tools_are_relative(checkout: Path) -> None:
    assert (checkout / "llmcc/backends").readlink() == Path("../backends")
    assert (checkout / "llmcc/training").readlink() == Path("../training")


def test_every_data_file_is_covered_by_a_package_data_pattern(checkout: Path) -> None:
    patterns = _setuptools(checkout)["package-data"]["*"]
    missed = [
        path.relative_to(checkout)
        for root in ("llmcc", "backends", "training")
        for path in (checkout / root).rglob("*")
        if path.is_file()
        and not any(parent.is_symlink() for parent in path.parents)
        and path.suffix not in (".py", ".pyc", ".tmp")
        and not any(path.match(pattern) or path.match(f"*/{pattern}") for pattern in patterns)
    ]
    assert missed == []


@pytest.mark.parametrize("name", ["backends", "training"])
def test_folders_refuse_to_be_imported_under_their_bare_name(checkout: Path, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import {name}"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert f"import 'llmcc.{name}'" in done.stderr


@pytest.mark.parametrize("module", ["llmcc.pipeline", "llmcc.ctl.main", "llmcc.backends.embedded"])
def test_nothing_on_the_way_of_a_compile_imports_torch(checkout: Path, module: str) -> None:
    code = (
        f"import sys, {module}\n"
        "assert not {'torch', 'transformers'} & set(sys.modules), 'torch was imported'"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
