"""The figures of a dataset as its manifest keeps them and its card tells them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from engine.dataset.gate import Checked
from engine.dataset.split import Side

MOST_TOPICS = 20
_TENTHS = 10


def describe_rows(
    sides: Mapping[Side, Sequence[Checked]], sources: Mapping[str, str]
) -> dict[str, Any]:
    """Return averages, and rows by language, kind, tag, heading, source, quality and flag.

    Args:
        sides: The rows by side.
        sources: The kind of each source, by id; a holdout file is none.

    Returns:
        What JSON can hold; counts with the commonest first.
    """
    rows = [one for side in sides.values() for one in side]
    turns = [turn for one in rows for turn in one.row.turns]
    asked = [len(turn.content) for turn in turns if turn.role == "user"]
    answered = [len(turn.content) for turn in turns if turn.role == "assistant"]
    scored = [one.quality for one in rows if one.quality is not None]
    return {
        "prompt_chars": round(average(asked), 1),
        "completion_chars": round(average(answered), 1),
        "turns": len(turns),
        "turns_per_row": round(len(turns) / len(rows), 2) if rows else 0.0,
        "conversations": sum(_questions(one) > 1 for one in rows),
        "languages": {side: counted(one.language for one in its) for side, its in sides.items()},
        "kinds": {side: counted(kind_of(one) for one in its) for side, its in sides.items()},
        "tags": counted((tag for one in rows for tag in tags_of(one)), most=MOST_TOPICS),
        "headings": counted(headings(rows), most=MOST_TOPICS),
        "sources": counted(source_of(sources)(one) for one in rows),
        "quality": {
            "rows": len(scored),
            "average": round(average(scored), 3),
            "tenths": tenths(scored),
        },
        "flags": counted(flag for one in rows for flag in one.flags),
        "checked": sum(one.checked for one in rows),
    }


def average(values: Sequence[float]) -> float:
    """Return the mean; 0 for nothing."""
    return sum(values) / len(values) if values else 0.0


def counted(names: Iterable[str], most: int | None = None) -> dict[str, int]:
    """Return how often each name comes, the commonest first, and equal ones by name."""
    counts = sorted(Counter(names).items(), key=lambda pair: (-pair[1], pair[0]))
    return dict(counts[:most])


def tenths(scores: Iterable[float]) -> list[int]:
    """Return how many scores are from 0 to below 0.1, … and from 0.9 to 1."""
    bins = [0] * _TENTHS
    for score in scores:
        bins[min(int(score * _TENTHS + 1e-9), _TENTHS - 1)] += 1
    return bins


def kind_of(one: Checked) -> str:
    """Return the kind of a row's example."""
    return str(one.row.metadata.get("kind", ""))


def tags_of(one: Checked) -> list[str]:
    """Return the tags of the note that a row comes from."""
    return list(one.row.metadata.get("tags", ()))


def headings(rows: Iterable[Checked]) -> Iterable[str]:
    """Yield the headings that rows stand under."""
    for one in rows:
        heading = str(one.row.metadata.get("heading", ""))
        if heading:
            yield heading


def source_of(sources: Mapping[str, str]) -> Callable[[Checked], str]:
    """Return what gives the kind of a row's source."""

    def kind(one: Checked) -> str:
        source = one.row.metadata.get("source")
        return sources.get(str(source), "unknown") if source else "holdout file"

    return kind


def _questions(one: Checked) -> int:
    return sum(turn.role == "user" for turn in one.row.turns)
