"""A row of a dataset: a conversation, its id, and where it comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from engine.dataset.metadata import Told
from engine.errors import DatasetMissing, DatasetRefused
from engine.models import Card, Example, Role, Turn, example_id
from engine.paths import shorten

_ROLES = get_args(Role)
# Kinds whose documents are records of a file; the others' documents are whole files.
_RECORD_KINDS = frozenset({"conversation", "instruction", "memory", "synthetic"})
_SPOKEN_KINDS = frozenset({"conversation", "instruction"})
_SERIES = re.compile(r"(.*\S)[_-]\d{1,5}", re.DOTALL)
_LONG_NUMBER = 10


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is trained on.

    Args:
        id: The example's id, by which the decision about it is found.
        turns: The conversation after edits, with the system message that was added.
        metadata: Where it comes from.
        group: The document that it comes from; all rows of a group stay together.
        series: Its file, and the id that it shares with others but for a running number, as
            parts of one conversation have it; both empty where it has no such id.
    """

    id: str
    turns: tuple[Turn, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""
    series: tuple[str, str] = ("", "")

    def to_json(self) -> dict[str, Any]:
        """Return the row as a line of the dataset's files holds it."""
        return {
            "messages": [{"role": turn.role, "content": turn.content} for turn in self.turns],
            "id": self.id,
            "metadata": dict(self.metadata),
        }


def row_of(card: Card, system_prompt: str = "", told: Told | None = None) -> Row:
    """Return an example as a row.

    Args:
        card: The example, with its edits.
        system_prompt: Put before conversations that have no system message; empty adds none.
        told: What is written of it besides its conversation, as
            :class:`engine.dataset.metadata.Metadata` makes it; None says nothing of where it
            comes from, in rows that are only looked at.
    """
    turns = card.turns
    if system_prompt.strip() and not any(turn.role == "system" for turn in turns):
        turns = (Turn("system", system_prompt.strip()), *turns)
    example = card.example
    where = example.provenance
    told = told or Told()
    metadata: dict[str, Any] = {
        "kind": example.kind,
        "source": where.source_id,
        "path": _storable(told.path),
        "lines": [where.start_line, where.end_line],
        "heading": _storable(told.heading),
        "title": _storable(told.title),
        "tags": [_storable(tag) for tag in told.tags],
        "date": _storable(told.date),
        "edited": card.edited,
        "question_by": _storable(card.question_by),
        "extra": {_storable(key): _storable(told.extra[key]) for key in told.extra},
        "text_id": example_id(turns),
    }
    # Whoever reads the file needs no column that says nothing.
    metadata = {key: value for key, value in metadata.items() if value not in ("", [], {}, [0, 0])}
    return Row(example.id, turns, metadata, group_of(example), _series_of(example))


def group_of(example: Example) -> str:
    """Return the document that an example comes from, as :attr:`Row.group` names it.

    A conversation that has an id of its own, or a row of a database, is one document wherever
    it is read: an older and a newer export hold it both, in two files or two sources.
    """
    where = example.provenance
    known = conversation_of(example)
    path, record = _document_of(example)
    if known or path == where.record:
        document = ["", *known] if known else ["", path, record]
    else:
        document = [where.source_id, path, record]
    return json.dumps(list(map(_storable, document)), ensure_ascii=False)


def conversation_of(example: Example) -> tuple[str, ...]:
    """Return the id by which a conversation is known in any file; empty where it has none.

    A bare number is an id of its own file or app, so that the title counts with it.
    """
    where = example.provenance
    if example.kind not in _SPOKEN_KINDS or _is_row(example):
        return ()
    named = where.record if not where.record.startswith("#") else ""
    named = named or example.metadata.get("conversation_id", "")
    if not named and _is_messages(example):
        # Rows of data sets are numbered from 0 in each file.
        own = _id_of(example)
        named = "" if own.isdecimal() or _SERIES.fullmatch(own) else own
    if named.isdecimal() and len(named) < _LONG_NUMBER:
        return named, where.title
    return (named,) if named else ()


def _series_of(example: Example) -> tuple[str, str]:
    parted = _SERIES.fullmatch(_id_of(example)) if _is_messages(example) else None
    if parted is None:
        return "", ""
    where = example.provenance
    return json.dumps([where.source_id, where.path]), parted[1]


def _id_of(example: Example) -> str:
    return example.metadata.get("id", "").strip()


def _is_messages(example: Example) -> bool:
    """Say whether an example was a list of messages, whose ``id`` is that of a conversation."""
    layout = example.metadata.get("layout", "messages")
    return example.kind in _SPOKEN_KINDS and layout == "messages"


def _document_of(example: Example) -> tuple[str, str]:
    """Return the path and the record of what an example was made of."""
    where = example.provenance
    return (where.record, "") if _is_row(example) else (where.path, _record_of(example))


def _is_row(example: Example) -> bool:
    """Say whether an example comes from a row of a database."""
    where = example.provenance
    # It is a path; examples of one row have a number behind it.
    return bool(where.record) and f"{where.path}#".startswith(f"{where.record}#")


def _record_of(example: Example) -> str:
    """Return which record of its file an example comes from; empty where it is the file.

    Workspaces of earlier versions don't know it until their sources are scanned again. There
    it is the conversation's id or the line, but for the first line: a file that an app wrote
    on one line has all its records there, so that each document of it counts by itself.
    """
    if example.kind not in _RECORD_KINDS:
        return ""
    where = example.provenance
    if where.record:
        return where.record
    named = example.metadata.get("conversation_id", "")
    return named or (str(where.start_line) if where.start_line > 1 else where.content_hash)


def _storable(text: str) -> str:
    # A file name that is not UTF-8 comes as halves of surrogate pairs.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def encode_rows(rows: Iterable[Row]) -> bytes:
    """Return rows as JSONL; equal rows give equal bytes."""
    lines = (json.dumps(row.to_json(), ensure_ascii=False) + "\n" for row in rows)
    return "".join(lines).encode("utf-8")


def read_rows(path: Path) -> list[Row]:
    """Read a file of a frozen dataset.

    Raises:
        DatasetMissing: The file is not there.
        DatasetRefused: It is not a file that a freeze wrote; the message names the line.
    """
    try:
        return list(iter_rows(path))
    except FileNotFoundError as error:
        raise DatasetMissing(
            f"{shorten(path)} is not there", hint="freeze the dataset again"
        ) from error


def iter_rows(path: Path) -> Iterator[Row]:
    """Read a file of a frozen dataset a row at a time; a damaged line raises."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                value = json.loads(line)
                turns = tuple(
                    Turn(message["role"], message["content"]) for message in value["messages"]
                )
                if not all(turn.role in _ROLES for turn in turns):
                    raise ValueError("an unknown role")
                yield Row(str(value["id"]), turns, dict(value["metadata"]))
            except (ValueError, KeyError, TypeError) as error:
                raise DatasetRefused(
                    f"{shorten(path)}, line {number} is damaged: {error}",
                    hint="freeze the dataset again under another name",
                ) from error
