"""Names of models as Ollama takes them: ``[host/][namespace/]model[:tag]``."""

from __future__ import annotations

import re

from engine.errors import UsageError
from engine.export.naming import base_letters

LATEST = "latest"
_PART = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}"
_DOTTED = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}"
_NAME = re.compile(
    rf"(?:(?:[A-Za-z0-9_][A-Za-z0-9._:-]{{0,349}}/)?{_PART}/)?{_DOTTED}(?::{_DOTTED})?"
)


def checked(name: str) -> str:
    """Return a model's name as Ollama lists it, with its tag.

    Raises:
        UsageError: Ollama would not take it.
    """
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise UsageError(
            "that is no name that Ollama takes for a model",
            hint="letters, digits, dots and hyphens, and a tag behind a colon: my-notes:q4_k_m",
        )
    return name if ":" in name.rpartition("/")[2] else f"{name}:{LATEST}"


def proposed(name: str, quant: str = "", *, tail: str = "") -> str:
    """Return the name that a model gets where none is given.

    Args:
        name: Its readable name.
        quant: Its quantisation, which becomes the tag; empty for the first of an export.
        tail: What tells it from others where its name has letters that Ollama doesn't take.
    """
    plain, whole = base_letters(name)
    kept = re.sub(r"[^a-z0-9._-]+", "-", plain.lower()).strip("-._")[:80].rstrip("-._")
    if tail and not (whole and kept):
        kept = f"{kept[:60] or 'finetui'}-{tail}"
    return f"{kept or 'finetui'}{':' if quant else ''}{quant.lower()}"


def same(first: str, second: str) -> bool:
    """Whether two names are one model's; Ollama tells no cases apart."""
    return _whole(first) == _whole(second)


def _whole(name: str) -> str:
    name = name.lower().removeprefix("registry.ollama.ai/").removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] else f"{name}:{LATEST}"
