"""Holdout files: their rows are the test side, and nothing that is like one is trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from engine.child import Progress, never, quiet
from engine.dataset.candidates import Candidate
from engine.dataset.external import read_external
from engine.dataset.groups import Grouping, NearClusters, group
from engine.dataset.near import NearDuplicates, first_line
from engine.dataset.notices import Notice
from engine.dataset.options import DatasetOptions
from engine.dataset.rows import Row
from engine.errors import CheckError
from engine.models import Turn


@dataclass(frozen=True, slots=True)
class Holdout:
    """What holdout files hold, and what they keep from being trained on.

    Args:
        rows: Their rows, each once.
        held_back: Ids of examples that are left out, and why: "equal" to a row of a file but
            for spelling, by its question or its long answer; "near" one; or in the "group"
            of one that is.
        notices: What to know about it.
        names: What the files are called.
    """

    rows: tuple[Row, ...] = ()
    held_back: dict[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    names: tuple[str, ...] = ()


def hold_out(
    rows: Sequence[Candidate],
    grouping: Grouping,
    options: DatasetOptions,
    near: NearDuplicates,
    *,
    name_of: Callable[[str], str] = str,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> Holdout:
    """Read the holdout files and find the rows that belong to a row of theirs.

    Args:
        rows: The rows that would be trained on.
        grouping: Which of them belong together.
        options: The options, which name the files.
        near: What is known of near-duplicates.
        name_of: Gives the name that a file is written by.
        progress: Called with what is done and what there is.
        cancelled: Asked several times a second whether to stop.

    Raises:
        SourceError: A file can't be read.
        Cancelled: It was stopped.
    """
    if not options.holdout:
        return Holdout()
    held_out: dict[str, Row] = {}
    notices = []
    for path in options.holdout:
        found = read_external(path)
        name = name_of(found.name)
        for row in found.rows:
            named = replace(row, metadata={**row.metadata, "path": name})
            held_out.setdefault(row.id, _with_system(named, options.system_prompt))
        if found.skipped:
            notices.append(Notice("holdout", f"{found.skipped:,} rows of {name} can't be read"))
    files = tuple(held_out.values())
    matched, reason = _near(rows, files, options, near.threshold, progress, cancelled)
    if reason:
        notices.append(
            Notice("holdout", f"holdout files were compared by their text alone: {reason}")
        )
    held_back = _belonging(rows, files, grouping, near.clusters, matched, options)
    names = tuple(name_of(path.name) for path in options.holdout)
    return Holdout(files, held_back, tuple(notices), names)


def _with_system(row: Row, system_prompt: str) -> Row:
    prompt = system_prompt.strip()
    if not prompt or any(turn.role == "system" for turn in row.turns):
        return row
    return replace(row, turns=(Turn("system", prompt), *row.turns))


def _near(
    rows: Sequence[Candidate],
    files: Sequence[Row],
    options: DatasetOptions,
    threshold: float,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> tuple[list[tuple[int, int]], str]:
    """Return which rows are near which of the files', and why it is not known."""
    from engine.dataset.meter import nearest_rows

    if options.near_duplicates != "now":
        return [], "near-duplicates were not looked for"
    place = {row.id: number for number, row in enumerate(files)}
    try:
        found = nearest_rows(
            [one.row for one in rows],
            files,
            model=options.model,
            progress=progress,
            cancelled=cancelled,
        )
    except CheckError as error:
        return [], first_line(error)
    matched = []
    for number, one in enumerate(found):
        if one.similarity >= threshold:
            matched.append((number, place[one.train]))
        if one.long and one.answer >= threshold:
            matched.append((number, place[one.answer_train]))
    return matched, ""


def _belonging(
    rows: Sequence[Candidate],
    files: Sequence[Row],
    grouping: Grouping,
    near: NearClusters,
    matched: Iterable[tuple[int, int]],
    options: DatasetOptions,
) -> dict[str, str]:
    """Return the ids of rows in one group with a row of the files, and why."""
    apart = max((one.position for one in rows), default=0) + 1
    others = [
        Candidate(replace(row, group=row.group or f"\0{number}"), position=apart + number)
        for number, row in enumerate(files)
    ]
    pairs = tuple((rows[number].position, apart + other) for number, other in matched)
    alone = [replace(one, row=replace(one.row, group=one.row.id, series=("", ""))) for one in rows]
    equal = _joined(group([*alone, *others], same_question=options.same_question), len(rows))
    direct = {number for number, _ in matched}
    both = NearClusters((*near.both, *pairs), near.answers)
    whole = _joined(group([*rows, *others], both, same_question=options.same_question), len(rows))
    held_back = {}
    for number in sorted(whole | equal | direct):
        why = "equal" if number in equal else "near" if number in direct else "group"
        held_back[rows[number].row.id] = why
    # Near-duplicates are also near the answers alone: their groups are left out whole.
    for places in grouping.groups:
        if any(rows[at].row.id in held_back for at in places):
            for at in places:
                held_back.setdefault(rows[at].row.id, "group")
    return held_back


def _joined(grouping: Grouping, size: int) -> set[int]:
    """Return the places below ``size`` in groups with a place that is not."""
    return {at for places in grouping.groups if places[-1] >= size for at in places if at < size}
