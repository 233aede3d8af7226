"""Filters of the queue as SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.models import Filter
from engine.store.packing import joined_words, search_query

FOUND = "q.position IN (SELECT rowid FROM search WHERE search MATCH ?)"
FOUND_THERE = "EXISTS (SELECT 1 FROM search WHERE search MATCH ? AND rowid = q.position)"
_BESIDE = (
    "(SELECT beside(coalesce(e.edited_turns, e.turns), e.heading, e.title, ?) "
    "FROM examples AS e WHERE e.position = q.position)"
)


def marks(values: Sequence[object]) -> str:
    """Return as many question marks as there are values."""
    return ", ".join("?" * len(values))


def conditions(which: Filter) -> tuple[str, list[Any]]:
    """Return a filter as the terms of a WHERE over ``queue AS q``, and their parameters."""
    terms: list[str] = []
    parameters: list[Any] = []

    def add(term: str, *values: Any) -> None:
        terms.append(term)
        parameters.extend(values)

    if which.states:
        add(f"q.state IN ({marks(which.states)})", *which.states)
    if which.kinds:
        add(f"q.kind IN ({marks(which.kinds)})", *which.kinds)
    if which.source_id:
        add("q.source_id = ?", which.source_id)
    if which.tag:
        add("q.position IN (SELECT position FROM tags WHERE tag = ?)", which.tag)
    if which.origins:
        # An index holds the rows whose origin is not empty.
        add(f"q.origin != '' AND q.origin IN ({marks(which.origins)})", *which.origins)
    if which.edited is not None:
        # Written out, not bound, so that the planner sees the partial index that it fits.
        add(f"q.edited = {int(which.edited)}")
    if which.conflict is not None:
        add(f"q.conflict = {int(which.conflict)}")
    if which.flags:
        terms.append(_flagged(which.flags, parameters))
    if which.languages:
        add(f"q.language != '' AND q.language IN ({marks(which.languages)})", *which.languages)
    if which.min_quality is not None:
        add("q.quality IS NOT NULL AND q.quality >= ?", which.min_quality)
    if which.max_quality is not None:
        add("q.quality IS NOT NULL AND q.quality <= ?", which.max_quality)
    if which.text.strip():
        query = search_query(which.text)
        if query:
            add(FOUND, query)
            for word in joined_words(which.text):
                add(_BESIDE, word)
        else:
            add("0")
    return " AND ".join(terms) or "1", parameters


def _flagged(flags: Sequence[str], parameters: list[Any]) -> str:
    """Return the term for examples with any of some flags, each a kind or ``kind:code``."""
    terms = []
    for kind, _, code in (flag.partition(":") for flag in flags):
        parameters += [kind, code] if code else [kind]
        terms.append("kind = ? AND code = ?" if code else "kind = ?")
    return f"q.position IN (SELECT position FROM flags WHERE {' OR '.join(terms)})"
