from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import SourceMissing, UsageError
from engine.models import Example, Filter, Skipped
from engine.store import Store
from tests.store.support import NOW, example, filled, ids, turns


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "finetui.db") as opened:
        yield opened


def test_a_source_is_known_by_kind_and_root(store: Store) -> None:
    first = store.add_source("vault", "/notes")
    again = store.add_source("vault", "/notes")
    other = store.add_source("instructions", "/notes")
    assert first == again
    assert [source.id for source in store.sources()] == [first.id, other.id]
    assert store.source(first.id[3:9]) == first
    assert store.source(first.id[:9]) == first
    with pytest.raises(UsageError):
        store.source("/notes")
    with pytest.raises(SourceMissing):
        store.source("zz")
    with pytest.raises(SourceMissing):
        store.source("")


def test_a_root_that_is_not_unicode_is_kept(store: Store) -> None:
    source = store.add_source("vault", "/caf\udce9")
    assert store.sources() == [source]
    assert store.source(source.root).root == "/caf\udce9"


def test_a_scan_is_counted_and_comes_back_as_it_was(store: Store) -> None:
    source = store.add_source("vault", "/notes")
    found = [example(number, source_id=source.id, tags=("work", "mar")) for number in range(3)]
    skipped = [Skipped(source.id, "empty.md", 0, "empty", "nothing in it")]
    tally = store.record_scan(source.id, iter(found), iter(skipped), 4, at=NOW)
    assert (tally.new, tally.known, tally.vanished) == (3, 0, 0)
    assert [card.example for card in store.cards()] == found
    assert store.skips(source.id) == skipped
    recorded = store.source(source.id)
    assert (recorded.scanned_at, recorded.documents, recorded.examples) == (NOW, 4, 3)
    assert recorded.skipped == 1
    assert store.tags() == [("mar", 3), ("work", 3)]
    assert store.kinds() == [("reflection", 3)]


def test_of_two_with_one_id_the_first_counts(store: Store) -> None:
    source = store.add_source("vault", "/notes")
    first = example(1, source_id=source.id, heading="First")
    second = replace(first, provenance=replace(first.provenance, heading="Second"))
    assert store.record_scan(source.id, [first, second], [], 1, at=NOW).new == 1
    assert [card.example.provenance.heading for card in store.cards()] == ["First"]


def test_scanning_again_keeps_decisions_and_positions(store: Store) -> None:
    source = store.add_source("vault", "/notes")
    store.record_scan(source.id, map(example, range(5)), [], 5, at=NOW)
    before = store.queue_page()
    store.append("approve", before[1].example_id, at=NOW)
    store.append("edit", before[2].example_id, turns=turns("Q", "A"), at=NOW)
    tally = store.record_scan(source.id, map(example, range(8)), [], 8, at=NOW + 1)
    assert (tally.new, tally.known, tally.vanished) == (3, 5, 0)
    after = store.queue_page()
    assert [row.position for row in after[:5]] == [row.position for row in before]
    assert [row.state for row in after] == ["undecided", "approved"] + ["undecided"] * 6
    assert store.card(before[2].example_id).turns == turns("Q", "A")


def test_what_vanished_leaves_unless_a_person_touched_it(store: Store) -> None:
    source = store.add_source("vault", "/notes")
    store.record_scan(source.id, map(example, range(6)), [], 6, at=NOW)
    approved, edited, undone = ids(store)[:3]
    store.append("approve", approved, at=NOW)
    store.append("edit", edited, turns=turns("Q", "zebra"), at=NOW)
    store.append("reject", undone, at=NOW)
    assert store.undo(at=NOW) is not None
    tally = store.record_scan(source.id, [example(5)], [], 1, at=NOW)
    assert (tally.new, tally.known, tally.vanished) == (0, 1, 5)
    assert ids(store) == [approved, edited, undone, example(5).id]
    assert store.redo(at=NOW) is not None
    assert store.card(undone).state == "rejected"
    assert store.queue_size(Filter(text="answer")) == 3
    assert store.queue_size(Filter(text="zebra")) == 1


def test_positions_are_never_given_again(store: Store) -> None:
    source = store.add_source("vault", "/notes")
    store.record_scan(source.id, map(example, range(3)), [], 3, at=NOW)
    last = store.queue_page()[-1].position
    store.record_scan(source.id, [], [], 0, at=NOW)
    assert store.queue_size() == 0
    store.record_scan(source.id, [example(9)], [], 1, at=NOW)
    assert store.queue_page()[0].position > last


def test_a_known_example_that_moved_is_found_at_its_new_place(store: Store) -> None:
    source = store.add_source("vault", "/notes")
    old = [example(number, heading="Old", tags=("a",)) for number in range(3)]
    store.record_scan(source.id, old, [], 3, at=NOW)
    edited = old[1].id
    store.append("edit", edited, turns=turns("Edited?", "Yes."), at=NOW)
    new = [example(0, heading="Old", tags=("a",))] + [
        replace(example(number, heading="New", tags=("b",), line=40), kind="decision")
        for number in (1, 2)
    ]
    assert store.record_scan(source.id, new, [], 3, at=NOW).known == 3
    cards = list(store.cards())
    assert [card.example for card in cards] == [
        replace(item, provenance=replace(item.provenance, source_id=source.id)) for item in new
    ]
    # Three of one heading are told apart by their questions, also by an edited one.
    labels = ["Question 0?", "Edited?", "Question 2?"]
    assert [row.label for row in store.queue_page()] == labels
    assert [row.kind for row in store.queue_page()] == ["reflection", "decision", "decision"]
    assert cards[1].turns == turns("Edited?", "Yes.")
    assert dict(store.tags()) == {"a": 1, "b": 2}
    assert store.queue_size(Filter(text="new")) == 2
    assert store.queue_size(Filter(text="edited")) == 1


def test_an_edited_label_stays_when_a_note_moves(store: Store) -> None:
    source = store.add_source("vault", "/notes")
    store.record_scan(source.id, [example(1)], [], 1, at=NOW)
    store.append("edit", example(1).id, turns=turns("Edited?", "Yes."), at=NOW)
    store.record_scan(source.id, [example(1, line=30)], [], 1, at=NOW)
    assert [row.label for row in store.queue_page()] == ["Edited?"]
    assert store.card(example(1).id).example.provenance.start_line == 30


def test_an_example_of_two_sources_stays_while_one_has_it(store: Store) -> None:
    outer = store.add_source("vault", "/notes")
    inner = store.add_source("vault", "/notes/work")
    store.record_scan(outer.id, map(example, range(4)), [], 4, at=NOW)
    tally = store.record_scan(inner.id, map(example, range(2)), [], 2, at=NOW)
    assert (tally.new, tally.known, tally.vanished) == (0, 2, 0)
    assert store.remove_source(outer.id) == 2
    assert ids(store) == [example(0).id, example(1).id]
    assert store.queue_size(Filter(source_id=inner.id)) == 2
    assert store.remove_source(inner.id[:8]) == 2
    assert store.queue_size() == 0


def test_a_removed_source_leaves_decided_examples_and_takes_them_up_again(store: Store) -> None:
    source = store.add_source("vault", "/notes")
    skipped = [Skipped(source.id, "x", 3, "broken-yaml", "no")]
    store.record_scan(source.id, map(example, range(4)), skipped, 4, at=NOW)
    store.append("approve", example(2).id, at=NOW)
    assert store.remove_source(source.id) == 3
    assert store.sources() == []
    with pytest.raises(SourceMissing):
        store.skips(source.id)
    with pytest.raises(SourceMissing):
        store.remove_source(source.id)
    assert ids(store) == [example(2).id]
    other = store.add_source("vault", "/elsewhere")
    tally = store.record_scan(other.id, map(example, range(4)), [], 4, at=NOW)
    assert (tally.new, tally.known, tally.vanished) == (3, 1, 0)
    card = store.card(example(2).id)
    assert (card.state, card.example.provenance.source_id) == ("approved", other.id)


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("pulled out"),
        sqlite3.DatabaseError("a source's own database is damaged"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "not text"),
    ],
)
def test_a_scan_that_fails_changes_nothing(store: Store, failure: Exception) -> None:
    source = store.add_source("vault", "/notes")
    store.record_scan(source.id, map(example, range(3)), [], 3, at=NOW)

    def broken() -> Iterator[Example]:
        yield from map(example, range(3, 1200))
        raise failure

    with pytest.raises(type(failure)) as caught:
        store.record_scan(source.id, broken(), [], 1, at=NOW + 9)
    assert caught.value is failure
    assert ids(store) == [example(number).id for number in range(3)]
    assert store.source(source.id).scanned_at == NOW


def test_a_person_decides_while_a_scan_reads(store: Store) -> None:
    source = store.add_source("vault", "/notes")
    store.record_scan(source.id, map(example, range(3)), [], 3, at=NOW)

    def slow() -> Iterator[Example]:
        for number in range(600):
            if number == 500:
                store.append("approve", example(1).id, at=NOW)
            yield example(number)

    assert store.record_scan(source.id, slow(), [], 600, at=NOW).new == 597
    assert store.card(example(1).id).state == "approved"


def test_skips_may_be_filled_by_the_generator(store: Store) -> None:
    source = store.add_source("vault", "/notes")
    skipped: list[Skipped] = []

    def reading() -> Iterator[Example]:
        yield example(1)
        skipped.append(Skipped(source.id, "b\udcff.md", 0, "not-utf8", "byte 0xff"))

    store.record_scan(source.id, reading(), skipped, 1, at=NOW)
    assert store.skips(source.id) == skipped


def test_a_source_removed_during_its_scan_brings_nothing_back(store: Store) -> None:
    source = store.add_source("vault", "/notes")

    def reading() -> Iterator[Example]:
        yield example(1)
        store.remove_source(source.id)

    with pytest.raises(SourceMissing):
        store.record_scan(source.id, reading(), [], 1, at=NOW)
    assert store.queue_size() == 0
    with pytest.raises(SourceMissing):
        store.record_scan(source.id, [], [], 1, at=NOW)


def test_metadata_and_scores_come_back(tmp_path: Path) -> None:
    plain = replace(example(1), metadata={}, score=0.123456789012345)
    with filled(tmp_path / "x.db", [plain]) as store:
        card = store.card(plain.id)
    assert dict(card.example.metadata) == {}
    assert card.example.score == 0.123456789012345
