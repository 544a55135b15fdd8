"""What entries of the store are filed under, so that nothing stale is ever found."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from pathlib import Path

from llmcc.native.identity import DIGEST_BYTES, digest_strings
from llmcc.regions.model import Region

# KEY_SETTINGS_COUNT of native/settings.h.
_SETTINGS_COUNT = 8


def region_key(region: Region, *, generation: str, cpu: str, proposer: str) -> str:
    """Return the key of a region's decision.

    It covers the canonical text, the constants and the contract, not the place in the unit, so
    a changed unit finds the decisions on its unchanged loops.

    Args:
        region: the loop.
        generation: of llmcc, see `native.identity`.
        cpu: what timings hold for, see `cpu_name`.
        proposer: the settings that proposals depend on.
    """
    return digest_strings((generation, cpu, proposer, region_identity(region)))


def region_identity(region: Region) -> str:
    """Return what tells a region from all others, wherever it is and whoever looks at it."""
    return digest_strings((region.text, region.constants, repr(region.contract)))


def unit_key(
    text: bytes, *, generation: str, command: Iterable[bytes], folder: bytes, lock: str = ""
) -> str:
    """Return the key that native/store_lookup.c looks a unit up by (`unit_key` there).

    Args:
        text: the unit as gcc wrote it.
        generation: the one the shim was built with.
        command: the gcc driver's arguments, argv[0] included; its output is left out.
        folder: working folder of the driver. Does not cover: CPATH, LLMCC_SEED and the
            like (KEY_SETTINGS in native/settings.c), which are taken as unset.
        lock: digest of the lock file; "" without one.
    """
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    digest.update(generation.encode() + b"\0" + cpu_signature().to_bytes(4, "little"))
    digest.update(folder + b"\0" + lock.encode() + b"\0" + b"\0" * _SETTINGS_COUNT)
    words = iter(command)
    for word in words:
        if word == b"-o":
            next(words, None)
        elif not word.startswith(b"-o"):
            digest.update(word + b"\0")
    digest.update(b"\0" + text)
    return digest.hexdigest()


def cpu_name() -> str:
    """Return the CPU's model and features that timings were taken on, as one line."""
    features = " ".join(sorted(f for f in cpu_flags() if f.startswith(("avx", "bmi"))))
    return f"{cpu_model()} {cpu_signature():x} {features}"


def cpu_flags() -> frozenset[str]:
    """Return the CPU's features as Linux names them."""
    return frozenset(_cpu_facts().get("flags", "").split())


def cpu_model() -> str:
    """Return the name that the CPU's maker gave it."""
    return _cpu_facts().get("model name", platform.processor())


def cpu_signature() -> int:
    """Return family, model and stepping as cpuid leaf 1 gives them in eax.

    Source: Intel SDM volume 2A, CPUID, figure 3-6; AMD APM volume 3, appendix E.
    """
    facts = _cpu_facts()
    family, model, stepping = (
        int(facts.get(name, "0")) for name in ("cpu family", "model", "stepping")
    )
    base_family = min(family, 15)
    return (
        (family - base_family) << 20
        | (model >> 4) << 16
        | base_family << 8
        | (model & 15) << 4
        | stepping
    )


def _cpu_facts() -> dict[str, str]:
    facts: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if not line:
            break
        name, _, value = line.partition(":")
        facts[name.strip()] = value.strip()
    return facts
