r"""Export formats: what other trainers read.

==============  =====================================================  =================
format          a line                                                 lossless for
==============  =====================================================  =================
``chat``        ``{"messages": [{"role", "content"}, …]}``             everything
``instruction`` ``{"prompt", "completion"}``                           one question
``completion``  ``{"text": "<|user|>\n…\n<|assistant|>\n…"}``          no tool messages
==============  =====================================================  =================

What a format can't hold is either written into it in a way that is reported
(``notes``), or refused and reported (``refused``); nothing is lost silently.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.dataset.frozen import TRAIN, VALIDATION, Frozen, load, read_frozen, verify
from engine.dataset.gate import Refusal
from engine.dataset.rows import Row
from engine.errors import DatasetRefused, FormatUnknown, UsageError
from engine.models import Turn
from engine.paths import require_free, shorten, write_atomic
from engine.workspace import Workspace

SPLITS = ("all", "train", "validation")
_OTHER_SUFFIXES = frozenset({".json", ".txt", ".csv", ".parquet", ".ndjson"})
_ROLE_MARKERS = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>"}


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote.

    Args:
        files: The files and how many rows each got.
        refused: Rows that the format can't hold.
        notes: What was written otherwise than it was, and in how many rows.
    """

    files: Mapping[Path, int]
    refused: tuple[Refusal, ...]
    notes: Mapping[str, int]

    @property
    def rows(self) -> int:
        """How many rows were written."""
        return sum(self.files.values())


@dataclass(frozen=True, slots=True)
class Converted:
    """A row in a format: its fields, or why there are none; ``note`` says what was changed."""

    fields: Mapping[str, Any] | None
    note: str = ""
    code: str = ""
    reason: str = ""


def to_chat(turns: tuple[Turn, ...]) -> Converted:
    """Return a conversation as ``messages``."""
    return Converted({"messages": [{"role": turn.role, "content": turn.content} for turn in turns]})


def to_instruction(turns: tuple[Turn, ...]) -> Converted:
    """Return a conversation as ``prompt`` and ``completion``.

    With one question the prompt is that question. Whatever else comes before the
    last answer is written into the prompt with the markers of ``completion``.
    """
    if not turns or turns[-1].role != "assistant":
        return Converted(None, code="last-not-answer", reason="it does not end with an answer")
    *before, answer = turns
    if [turn.role for turn in before] == ["user"]:
        return Converted({"prompt": before[0].content, "completion": answer.content})
    marked = _marked(tuple(before))
    if marked.fields is None:
        return marked
    prompt = f"{marked.fields['text']}\n{_ROLE_MARKERS['assistant']}\n"
    system = before and before[0].role == "system"
    what = "system message" if system and len(before) == 2 else "earlier turns"
    return Converted(
        {"prompt": prompt, "completion": answer.content},
        note=f"{what} written into the prompt",
    )


def to_completion(turns: tuple[Turn, ...]) -> Converted:
    r"""Return a conversation as one text: ``<|user|>\n…\n<|assistant|>\n…``."""
    return _marked(turns)


def _marked(turns: tuple[Turn, ...]) -> Converted:
    for turn in turns:
        if turn.role not in _ROLE_MARKERS:
            return Converted(None, code="role", reason=f"the format has no {turn.role} messages")
        marker = next((m for m in _ROLE_MARKERS.values() if m in turn.content), None)
        if marker is not None:
            return Converted(
                None, code="marker", reason=f"its text holds {marker}, which divides turns"
            )
    text = "\n".join(f"{_ROLE_MARKERS[turn.role]}\n{turn.content}" for turn in turns)
    return Converted({"text": text})


FORMATS: dict[str, Callable[[tuple[Turn, ...]], Converted]] = {
    "chat": to_chat,
    "instruction": to_instruction,
    "completion": to_completion,
}


def export(
    workspace_or_dir: Workspace | Path,
    name: str,
    format: str,
    out: Path,
    *,
    split: str = "all",
    metadata: bool = False,
    overwrite: bool = False,
) -> ExportReport:
    """Write a frozen dataset in a format that other trainers read.

    Args:
        workspace_or_dir: The workspace, or the dataset's own folder (then ``name`` is not used).
        name: The dataset's name.
        format: One of :data:`FORMATS`.
        out: A file that ends in ``.jsonl``, for the rows of ``split`` together; any
            other path is a folder for ``train.jsonl`` and ``validation.jsonl``.
        split: "train", "validation" or "all".
        metadata: Whether each line also says where the row comes from.
        overwrite: Whether files that are there are replaced.

    Raises:
        FormatUnknown: There is no such format.
        DatasetMissing: There is no such dataset.
        DatasetRefused: The dataset was changed after the freeze, or no row fits the format.
        UsageError: A file is there already, or there is no such split.
        DiskFull: There is no room.
    """
    if format not in FORMATS:
        raise FormatUnknown(
            f"there is no export format {format!r}", hint=f"choose one of: {', '.join(FORMATS)}"
        )
    if split not in SPLITS:
        raise UsageError(f"there is no split {split!r}", hint=f"choose one of: {', '.join(SPLITS)}")
    if isinstance(workspace_or_dir, Path):
        frozen = verify(read_frozen(workspace_or_dir))
    else:
        frozen = load(workspace_or_dir, name)
    plan = _plan(frozen, out, split)
    if not overwrite:
        _refuse_existing(plan)
    refused: list[Refusal] = []
    notes: Counter[str] = Counter()
    data = {
        path: _lines(rows, FORMATS[format], metadata, refused, notes) for path, rows in plan.items()
    }
    if not any(data.values()):
        raise DatasetRefused(
            f"no row of {frozen.name} fits the format {format}: {refused[0].reason}",
            hint="choose another format",
        )
    for path, lines in data.items():
        content = "".join(lines).encode("utf-8")
        require_free(path.parent, len(content), "the export")
        write_atomic(path, content)
    return ExportReport(
        {path: len(lines) for path, lines in data.items()}, tuple(refused), dict(notes)
    )


def _plan(frozen: Frozen, out: Path, split: str) -> dict[Path, list[Row]]:
    if out.suffix.lower() in _OTHER_SUFFIXES and not out.is_dir():
        raise UsageError(
            f"{shorten(out)} would be a folder, by its name it is a file",
            hint="end the file's name in .jsonl, or name a folder",
        )
    rows = {
        name: read()
        for name, read in (("train", frozen.train_rows), ("validation", frozen.validation_rows))
        if split in ("all", name)
    }
    if out.suffix == ".jsonl":
        return {out: [row for part in rows.values() for row in part]}
    files = {"train": TRAIN, "validation": VALIDATION}
    return {out / files[name]: part for name, part in rows.items()}


def _refuse_existing(plan: Iterable[Path]) -> None:
    for path in plan:
        if path.exists():
            raise UsageError(
                f"{shorten(path)} is there already",
                hint="choose another path, or replace it with --force",
            )


def _lines(
    rows: Iterable[Row],
    convert: Callable[[tuple[Turn, ...]], Converted],
    metadata: bool,
    refused: list[Refusal],
    notes: Counter[str],
) -> list[str]:
    lines = []
    for row in rows:
        converted = convert(row.turns)
        if converted.fields is None:
            refused.append(Refusal(row.id, converted.code, converted.reason))
            continue
        if converted.note:
            notes[converted.note] += 1
        fields = dict(converted.fields)
        if metadata:
            fields["metadata"] = {"id": row.id, **row.metadata}
        lines.append(json.dumps(fields, ensure_ascii=False) + "\n")
    return lines
