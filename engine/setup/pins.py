"""The versions that finetui was tested with, and how pip is told."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.setup.parts import Part
from engine.setup.place import canonical

CONSTRAINTS = Path(__file__).with_name("constraints.txt")
_PIN = re.compile(r"([A-Za-z0-9._-]+)==(\S+)(?:\s+# sha256:([0-9a-f]{64}))?")


def pins() -> dict[str, str]:
    """Return every pinned version by its distribution's name."""
    return {name: version for name, version, _ in _entries()}


def hashes() -> dict[str, str]:
    """Return the SHA-256 of those that are pinned by hash."""
    return {name: digest for name, _, digest in _entries() if digest}


def _entries() -> list[tuple[str, str, str]]:
    lines = CONSTRAINTS.read_text("utf-8").splitlines()
    found = (_PIN.fullmatch(line.strip()) for line in lines if not line.startswith("#"))
    return [(canonical(match[1]), match[2], match[3] or "") for match in found if match]


def constraints(installed: Mapping[str, str]) -> str:
    """Return the text of a constraints file that leaves what is installed as it is.

    Args:
        installed: Versions that are kept whatever the pins say; nothing, and the pins rule.
    """
    wanted = {**pins(), **installed}
    return "".join(f"{name}=={version}\n" for name, version in sorted(wanted.items()))


def hashed(names: Iterable[str]) -> str:
    """Return the text of a requirements file with hashes."""
    versions, digests = pins(), hashes()
    return "".join(f"{name}=={versions[name]} --hash=sha256:{digests[name]}\n" for name in names)


def signature(part: Part) -> str:
    """Return what changes when a part's packages or any pin does."""
    text = " ".join(part.everything).encode() + CONSTRAINTS.read_bytes()
    return hashlib.sha256(text).hexdigest()[:16]
