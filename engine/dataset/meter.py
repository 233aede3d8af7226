"""Measuring leaks: of a dataset's own sides, and of files from elsewhere."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.child import Progress, never, quiet, run_child
from engine.dataset.draft import Draft
from engine.dataset.external import read_external
from engine.dataset.frozen import Frozen, load, read_frozen, verify
from engine.dataset.groups import is_long
from engine.dataset.leak import LeakSummary, Nearest, summarise
from engine.dataset.near import first_line
from engine.dataset.rows import Row, encode_rows, read_rows
from engine.errors import CheckError, CheckFailed, DependencyMissing
from engine.similarity import (
    DEFAULT_THRESHOLD,
    Nearness,
    level_of,
    normal_form,
    parts,
    threshold_of,
)
from engine.similarity.child import require_libraries
from engine.similarity.texts import key_of
from engine.workspace import Workspace

_MODULE = "engine.dataset.near_child"


def leaks(
    workspace_or_dir: Workspace | Path,
    name: str,
    *,
    against: Sequence[Path] = (),
    threshold: Nearness | None = None,
    model: str = "",
    near: bool = True,
    worst: int = 5,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> tuple[LeakSummary, ...]:
    """Measure how near a frozen dataset's held-out rows, or files, are to what it trains on.

    Args:
        workspace_or_dir: The workspace, or the dataset's own folder (then ``name`` is not used).
        name: The dataset's name.
        against: Test files to compare with its training rows, in place of its own sides.
        threshold: From which level or similarity rows count as near-duplicates; that of the freeze
            where None.
        model: The embedding model; the embedded one where empty.
        near: Whether embeddings are compared, or else text alone.
        worst: How many of the nearest pairs are named.
        progress: Called with what is done and what there is.
        cancelled: Asked several times a second whether to stop.

    Raises:
        DatasetMissing: There is no such dataset.
        DatasetRefused: It was changed after the freeze.
        SourceError: A file can't be read.
        Cancelled: It was stopped.
    """
    if isinstance(workspace_or_dir, Path):
        frozen = verify(read_frozen(workspace_or_dir))
    else:
        frozen = load(workspace_or_dir, name)
    near_duplicates = frozen.manifest.get("near_duplicates") or {"threshold": DEFAULT_THRESHOLD}
    at_least = near_duplicates["threshold"] if threshold is None else threshold_of(threshold, model)
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        for side, path in _sides(frozen, against, Path(scratch)):
            found.append(
                measure(
                    side,
                    path,
                    frozen.train_file,
                    threshold=at_least,
                    model=model,
                    near=near,
                    worst=worst,
                    progress=progress,
                    cancelled=cancelled,
                )
            )
    return tuple(found)


def leaks_of_draft(
    made: Draft,
    *,
    threshold: Nearness | None = None,
    model: str = "",
    near: bool = True,
    worst: int = 5,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> tuple[LeakSummary, ...]:
    """Measure how near the held-out rows of a draft are to those that would be trained on.

    Args:
        made: What would be frozen.
        threshold: From which level or similarity rows count as near-duplicates; that of the draft
            where None.
        model: The embedding model; the embedded one where empty.
        near: Whether embeddings are compared, or else text alone.
        worst: How many of the nearest pairs are named.
        progress: Called with what is done and what there is.
        cancelled: Asked several times a second whether to stop.

    Raises:
        Cancelled: It was stopped.
    """
    known = made.near.threshold if made.near is not None else DEFAULT_THRESHOLD
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        files = {side: Path(scratch) / f"{side}.jsonl" for side in made.sides}
        for side, file in files.items():
            file.write_bytes(encode_rows(one.row for one in made.sides[side]))
        for side, file in files.items():
            if side == "train":
                continue
            found.append(
                measure(
                    side,
                    file,
                    files["train"],
                    threshold=known if threshold is None else threshold_of(threshold, model),
                    model=model,
                    near=near,
                    worst=worst,
                    progress=progress,
                    cancelled=cancelled,
                )
            )
    return tuple(found)


def _sides(frozen: Frozen, against: Sequence[Path], scratch: Path) -> list[tuple[str, Path]]:
    if not against:
        sides = [("validation", frozen.validation_file)]
        return sides + ([("test", frozen.test_file)] if frozen.test else [])
    found = []
    for number, path in enumerate(against):
        file = scratch / f"{number}.jsonl"
        file.write_bytes(encode_rows(read_external(path).rows))
        found.append((path.name, file))
    return found


def measure(
    side: str,
    held_out: Path,
    train: Path,
    *,
    threshold: float,
    model: str = "",
    near: bool = True,
    worst: int = 5,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> LeakSummary:
    """Measure how near the rows of one file are to those of another, both as a freeze writes them.

    Where no embeddings can be made, text alone is compared, and the summary says so.
    """
    measured, reason = near, "" if near else "left out"
    rows, trained = read_rows(held_out), read_rows(train)
    if near:
        try:
            found = _by_embeddings(held_out, train, rows, trained, model, progress, cancelled)
        except (CheckError, DependencyMissing) as error:
            measured, reason = False, first_line(error)
    if not measured:
        found = by_text(rows, trained)
    return summarise(
        side,
        found,
        threshold,
        level=level_of(threshold, model) or "",
        measured=measured,
        reason=reason,
        worst=worst,
    )


def nearest_rows(
    queries: Sequence[Row],
    rows: Sequence[Row],
    *,
    model: str = "",
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> list[Nearest]:
    """Return each row's nearest one by embeddings, in a process of its own.

    Raises:
        CheckError: The embedding model is missing or can't be used.
        Cancelled: It was stopped.
    """
    with tempfile.TemporaryDirectory() as scratch:
        files = Path(scratch) / "queries.jsonl", Path(scratch) / "rows.jsonl"
        files[0].write_bytes(encode_rows(queries))
        files[1].write_bytes(encode_rows(rows))
        return _by_embeddings(*files, queries, rows, model, progress, cancelled)


def _by_embeddings(
    queries_file: Path,
    rows_file: Path,
    queries: Sequence[Row],
    rows: Sequence[Row],
    model: str,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> list[Nearest]:
    require_libraries(model)
    what = {"queries": str(queries_file), "rows": str(rows_file), "model": model}
    answers = run_child(
        _MODULE,
        [],
        progress,
        given=json.dumps(what),
        cancelled=cancelled,
        otherwise=CheckFailed,
    )
    text = by_text(queries, rows)
    if not answers:
        return text
    found = []
    for equal, (at, similarity, other, answer) in zip(text, answers, strict=True):
        found.append(
            Nearest(
                held_out=equal.held_out,
                train=equal.train or rows[at].id,
                # The same text has the same vector, but for the last digits; and where a
                # question is empty there is none.
                similarity=1.0 if equal.equal else similarity,
                answer=max(answer, equal.answer),
                answer_train=equal.answer_train or rows[other].id,
                long=equal.long,
                equal=equal.equal,
            )
        )
    return found


def by_text(queries: Sequence[Row], rows: Sequence[Row]) -> list[Nearest]:
    """Return each row's copy among others, by text that is equal but for spelling."""
    whole: dict[bytes, str] = {}
    answers: dict[bytes, str] = {}
    for row in rows:
        prompt, answer, _ = _keys(row)
        whole.setdefault(prompt + answer, row.id)
        answers.setdefault(answer, row.id)
    found = []
    for row in queries:
        prompt, answer, long = _keys(row)
        copy, same = whole.get(prompt + answer, ""), answers.get(answer, "")
        found.append(
            Nearest(row.id, copy, float(bool(copy)), float(bool(same)), same, long, bool(copy))
        )
    return found


def _keys(row: Row) -> tuple[bytes, bytes, bool]:
    pair = parts(row.turns)
    return (
        key_of(normal_form(pair.prompt)),
        key_of(normal_form(pair.answer)),
        is_long(pair.answer),
    )
