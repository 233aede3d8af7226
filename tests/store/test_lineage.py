"""A source changes between two scans: decisions stay, and what is new says what it follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models import Example, Filter, Provenance, Turn, example_id
from engine.store import Store
from engine.store.lineage import Trace, match
from tests.store.support import NOW, turns

WALK = "I walked home along the river because the last bus had gone, and it cleared my head."
WALK_MORE = WALK + " I should do that on purpose."
OTHER = "The supplier missed the date twice, so I decided to pay more for one that answers mail."


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "finetui.db") as opened:
        yield opened


def note(path: str, question: str, answer: str, *, heading: str = "", line: int = 1) -> Example:
    spoken = turns(question, answer)
    where = Provenance("", path, start_line=line, end_line=line + 2, heading=heading)
    return Example(example_id(spoken), "reflection", spoken, where)


def rescan(store: Store, *examples: Example) -> None:
    source = store.sources()[0]
    store.record_scan(source.id, examples, [], len(examples), at=NOW + 1)


def test_an_untouched_example_is_replaced_where_it_stands(store: Store) -> None:
    store.add_source("vault", "/notes")
    rescan(store, note("a.md", "How was the walk?", WALK), note("b.md", "Why?", OTHER))
    before = [row.position for row in store.queue_page()]
    newer = note("a.md", "How was the walk?", WALK_MORE)
    rescan(store, newer, note("b.md", "Why?", OTHER))
    assert [row.position for row in store.queue_page()] == before
    first = next(store.cards())
    assert first.example.id == newer.id
    assert first.turns[1].content == WALK_MORE
    assert store.queue_size(Filter(text="purpose")) == 1


def test_a_decided_example_stays_and_its_new_version_follows_it(store: Store) -> None:
    store.add_source("vault", "/notes")
    old = note("a.md", "How was the walk?", WALK)
    rescan(store, old)
    store.append("approve", old.id, at=NOW)
    newer = note("a.md", "How was the walk?", WALK_MORE)
    rescan(store, newer)
    kept, fresh = store.cards()
    assert (kept.example.id, kept.state, kept.origin) == (old.id, "approved", "changed")
    assert (fresh.example.id, fresh.state, fresh.origin) == (newer.id, "undecided", "")
    assert fresh.example.follows == old.id
    assert [row.example_id for row in store.queue_page(Filter(origins=("changed",)))] == [old.id]
    rescan(store, old)
    assert [card.origin for card in store.cards()] == [""]


def test_a_renamed_note_keeps_its_decisions_and_their_question(store: Store) -> None:
    store.add_source("vault", "/notes")
    old = note("draft.md", "How was the walk in the draft?", WALK)
    rescan(store, old)
    store.append("reject", old.id, at=NOW)
    rescan(store, note("walks/river.md", "How was the walk by the river?", WALK, line=9))
    (card,) = store.cards()
    assert (card.example.id, card.state, card.origin) == (old.id, "rejected", "")
    assert card.turns[0].content == "How was the walk in the draft?"
    where = card.example.provenance
    assert (where.path, where.start_line) == ("walks/river.md", 9)
    # The next scan finds it there, and nothing comes twice.
    rescan(store, note("walks/river.md", "How was the walk by the river?", WALK, line=9))
    assert [card.example.id for card in store.cards()] == [old.id]


def test_a_decided_example_whose_note_is_gone_says_so(store: Store) -> None:
    store.add_source("vault", "/notes")
    old = note("a.md", "How was the walk?", WALK)
    rescan(store, old, note("b.md", "Why?", OTHER))
    store.append("approve", old.id, at=NOW)
    rescan(store, note("b.md", "Why?", OTHER))
    assert [(card.state, card.origin) for card in store.cards()] == [
        ("approved", "gone"),
        ("undecided", ""),
    ]


def test_a_text_in_two_notes_is_there_until_both_lose_it(store: Store) -> None:
    store.add_source("vault", "/notes")
    first, copy = note("a.md", "Why?", OTHER), note("b.md", "Why?", OTHER)
    rescan(store, first, copy)
    store.append("approve", first.id, at=NOW)
    rescan(store, copy)
    assert [(card.origin, card.example.provenance.path) for card in store.cards()] == [("", "b.md")]
    rescan(store, note("c.md", "What else?", "Something else entirely, about boats."))
    assert [card.origin for card in store.cards()] == ["gone", ""]


def test_another_text_is_no_new_version() -> None:
    old = Trace("old", "a.md", "", turns("Why?", WALK))
    new = Trace("new", "a.md", "", turns("Why?", "Entirely different words here today."))
    assert match([old], [new]) == []
    assert match([old], [replace(new, item="b.md", turns=turns("What?", WALK))])[0].same


traces = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["", "H"]), st.text("xyz ", max_size=9)),
    max_size=8,
)


@given(traces, traces)
def test_each_is_paired_once_and_equal_answers_always(
    lost: list[tuple[str, str, str]], arrived: list[tuple[str, str, str]]
) -> None:
    def made(name: str, rows: list[tuple[str, str, str]]) -> list[Trace]:
        return [
            Trace(f"{name}{number}", item, heading, (Turn("assistant", answer),))
            for number, (item, heading, answer) in enumerate(rows)
        ]

    pairs = match(made("o", lost), made("n", arrived))
    assert len({pair.old for pair in pairs}) == len({pair.new for pair in pairs}) == len(pairs)
    for answer in {tuple(row[2].split()) for row in lost}:
        both = (sum(tuple(row[2].split()) == answer for row in rows) for rows in (lost, arrived))
        answers = {f"o{n}" for n, row in enumerate(lost) if tuple(row[2].split()) == answer}
        assert sum(pair.same and pair.old in answers for pair in pairs) == min(both)
