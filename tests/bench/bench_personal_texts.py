"""Texts of the data folder for ``bench_personal``: clean ones, and ones with marked spans."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEAST_CHARS = 20
MOST_TEXTS = 4000
HELD_OUT = (
    "alpaca-eval",
    "gpteacher",
    "ADRs",
    "vault-kepano",
    "tasks vault",
    "ro-sts",
    "lingua ro",
    "lingua en",
)
"""Folders that were not looked at while the rules were written."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A text and what is personal in it: type, start, end."""

    text: str
    spans: tuple[tuple[str, int, int], ...]


def marked(path: Path) -> list[Marked]:
    """Return the sentences of a file of Presidio Research."""
    return [
        Marked(
            row["full_text"],
            tuple((s["entity_type"], s["start_position"], s["end_position"]) for s in row["spans"]),
        )
        for row in json.loads(path.read_text("utf-8"))
    ]


def folders(data: Path) -> dict[str, list[str]]:
    """Return the texts of the folders in which little is personal, by a name for each."""
    return {
        "xquad en": _texts([data / "qa-xquad" / "xquad.en.json"]),
        "xquad ro": _texts([data / "qa-xquad" / "xquad.ro.json"]),
        "xquad de": _texts([data / "qa-xquad" / "xquad.de.json"]),
        "vault-jzhao": _texts((data / "vault-jzhao").rglob("*.md")),
        "gsm8k": _texts((data / "instr-gsm8k-alpacaformat").rglob("*.json")),
        "chatgpt exports": _texts(
            path
            for path in data.rglob("*.json")
            if path.parts[len(data.parts)][:12] == "conv-chatgpt"
        ),
        "other chats": _texts(
            path
            for name in ("conv-multi-openwebui-importer", "conv-fastchat", "conv-oasst-trees")
            for path in (data / name).rglob("*.json*")
        ),
        "arena-hard": _texts((data / "instr-arenahard").rglob("*.jsonl")),
        "llamafactory": _texts((data / "instr-llamafactory").rglob("*.json*")),
        "alpaca-eval": _texts((data / "instr-alpacaeval-outputs").rglob("*.json")),
        "gpteacher": _texts((data / "instr-gpteacher-thresholds").rglob("*.json")),
        "ADRs": _texts((data / "decisions-govuk-adr").rglob("*.md")),
        "vault-kepano": _texts((data / "vault-kepano").rglob("*.md")),
        "tasks vault": _texts((data / "vault-tasks-sample").rglob("*.md")),
        "ro-sts": _lines((data / "dup-ro-sts").rglob("*.tsv")),
        "lingua ro": _lines((data / "langid-lingua-sentences").rglob("ro*.txt")),
        "lingua en": _lines((data / "langid-lingua-sentences").rglob("en*.txt")),
    }


def _lines(paths: Iterable[Path]) -> list[str]:
    """Return the longest field of each line."""
    return [
        max(line.split("\t"), key=len)
        for path in sorted(paths)
        for line in path.read_text("utf-8", "replace").splitlines()
        if line.strip()
    ][:MOST_TEXTS]


def _texts(paths: Iterable[Path]) -> list[str]:
    found: dict[str, None] = {}
    for path in sorted(path for path in paths if path.is_file()):
        raw = path.read_text("utf-8", "replace")
        if path.suffix == ".md":
            found[raw] = None
            continue
        for value in _values(raw, lines=path.suffix == ".jsonl"):
            for text in _strings(value):
                found[text] = None
    return list(found)[:MOST_TEXTS]


def _values(raw: str, *, lines: bool) -> Iterator[Any]:
    for piece in raw.splitlines() if lines else [raw]:
        try:
            yield json.loads(piece)
        except ValueError:
            continue


def _strings(value: Any) -> Iterator[str]:
    """Yield the texts of a JSON value; ids and dates, which hold no space, are left out."""
    if isinstance(value, str):
        if len(value) >= LEAST_CHARS and " " in value:
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
