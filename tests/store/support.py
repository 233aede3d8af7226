"""What the tests of the store and of curation share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.models import Card, Example, Flag, FlagKind, Found, Provenance, Turn, example_id
from engine.store import Store

NOW = 1_760_000_000.0


def turns(question: str, answer: str) -> tuple[Turn, ...]:
    return (Turn("user", question), Turn("assistant", answer))


def example(
    number: int,
    *,
    source_id: str = "",
    kind: str = "reflection",
    text: Sequence[Turn] = (),
    heading: str = "",
    title: str = "",
    tags: tuple[str, ...] = (),
    line: int = 1,
) -> Example:
    spoken = tuple(text) or turns(f"Question {number}?", f"Answer {number}.")
    where = Provenance(
        source_id,
        f"notes/{number:03}.md",
        start_line=line,
        end_line=line + 4,
        heading=heading,
        title=title,
        tags=tags,
        date="2025-03-14",
        content_hash=f"b2-{number:032x}",
    )
    return Example(
        example_id(spoken), kind, spoken, where, 0.75, "first person", {"speaker": "Mara"}
    )


def filled(path: Path, examples: Iterable[Example] | int, root: str = "/notes") -> Store:
    """Return an open store with one scanned source."""
    store = Store.open(path)
    source = store.add_source("vault", root)
    found = map(example, range(examples)) if isinstance(examples, int) else examples
    store.record_scan(source.id, found, [], 1, at=NOW)
    return store


def ids(store: Store) -> list[str]:
    return [row.example_id for row in store.queue_page(limit=10_000)]


def flag(kind: FlagKind, code: str, *, score: float = 0.9, turn: int = 1) -> Flag:
    return Flag(kind, code, score, f"because of {code}", turn, 0, 3)


def found_in(card: Card, *flags: Flag, version: str = "1", **measures: float | str) -> Found:
    return Found(card.position, example_id(card.turns), version, flags, measures)
