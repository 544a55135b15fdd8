"""Fetch Debian source packages and unpack them. Nothing of them is kept in the project."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_HOW_TO_FETCH = (
    "{error}\napt-get source has to work: install dpkg-dev, give apt a deb-src line (a file "
    "/etc/apt/sources.list.d/src.sources with Types: deb-src, and URIs, Suites, Components and "
    "Signed-By as in /etc/apt/sources.list.d/debian.sources), and run apt-get update."
)


class MissingSource(Exception):
    """A source or a package that is needed is not there; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The folder fetched packages are in."""

    folder: Path

    def fetch(self, package: str) -> Path:
        """Return the .dsc of a package; fetch it if it was not.

        Raises:
            MissingSource: it cannot be fetched.
        """
        folder = self.folder / package
        if not (folder / "complete").exists():
            folder.mkdir(parents=True, exist_ok=True)
            self._download(package, folder)
            (folder / "complete").touch()
        (description,) = folder.glob("*.dsc")
        return description

    def _download(self, package: str, folder: Path) -> None:
        """Fetch the newest version or, where the mirror has dropped it, another that is listed."""
        command = ["apt-get", "source", "--download-only", "-qq"]
        try:
            _run([*command, package], folder)
            return
        except MissingSource as error:
            missing = error
        shown = _run(["apt-cache", "showsrc", package], folder)
        for version in re.findall(r"^Version: (\S+)$", shown, re.MULTILINE):
            with suppress(MissingSource):
                _run([*command, f"{package}={version}"], folder)
                return
        raise missing

    def version(self, package: str) -> str:
        """Return the version of a fetched package."""
        return self.fetch(package).name.removesuffix(".dsc").partition("_")[2]

    def unpack(self, package: str, into: Path, *, is_patched: bool) -> None:
        """Unpack a package; what is there already is removed."""
        description = self.fetch(package)
        shutil.rmtree(into, ignore_errors=True)
        into.parent.mkdir(parents=True, exist_ok=True)
        options = ["--no-check"] if is_patched else ["--no-check", "--skip-patches"]
        _run(["dpkg-source", *options, "-x", str(description), str(into)], into.parent)
        for copy in into.parent.glob("*.orig*"):
            copy.unlink()


def check_needs(packages: Sequence[str]) -> None:
    """See that Debian packages are installed.

    Raises:
        MissingSource: one is not.
    """
    for package in packages:
        query = ["dpkg-query", "-W", "-f", "${Status}", package]
        done = subprocess.run(query, capture_output=True, text=True, check=False)
        if not done.stdout.startswith("install ok installed"):
            raise MissingSource(f"apt-get install {' '.join(packages)}")


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise MissingSource(_HOW_TO_FETCH.format(error=error)) from None
    if done.returncode:
        raise MissingSource(_HOW_TO_FETCH.format(error=f"{' '.join(command)}: {done.stderr}"))
    return done.stdout
