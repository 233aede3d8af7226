"""What gates found of an export that is finished, as it is kept beside the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

from engine.export.gates.model import Gate, State

RECORD = "gates.json"


def found_of(job_dir: Path) -> tuple[Gate, ...]:
    """Return what the gates found of an export's files; nothing where it can't be read."""
    try:
        return tuple(gate_of(told) for told in json.loads((job_dir / RECORD).read_bytes())["gates"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return ()


def gate_of(told: dict[str, Any]) -> Gate:
    """Return a gate of its JSON values.

    Raises:
        ValueError: Its state is none.
        KeyError: A value is missing.
    """
    if told["state"] not in get_args(State):
        raise ValueError(told["state"])
    return Gate(told["name"], told["state"], told["says"], told["hint"], dict(told["figures"]))
