"""Decisions made without having seen what another session did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.curate import Curator
from engine.models import Action, Filter
from engine.store import Store
from tests.store.support import NOW, filled, ids, turns

OTHER = turns("Other?", "Other.")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """Return two sessions on one workspace of five examples."""
    path = tmp_path / "finetui.db"
    with filled(path, 5) as mine, Store.open(path) as theirs:
        yield mine, theirs


def test_a_card_says_what_it_has_seen(two: tuple[Store, Store]) -> None:
    mine, theirs = two
    first, second = ids(mine)[:2]
    assert mine.card(first).seen == 0
    theirs.append("approve", second, at=NOW)
    theirs.append("edit", first, turns=OTHER, at=NOW)
    assert [card.seen for card in mine.cards()][:2] == [2, 1]
    assert mine.undo(at=NOW) is not None
    assert mine.card(first).seen == 3


def test_an_approval_of_a_text_edited_meanwhile_does_not_count(two: tuple[Store, Store]) -> None:
    mine, theirs = two
    first = ids(mine)[0]
    shown = mine.card(first)
    edit = theirs.append("edit", first, turns=OTHER, seen=0, at=NOW)
    card = Curator(mine).approve(first, shown.seen)
    assert (card.state, card.turns) == ("undecided", OTHER)
    assert card.conflict is not None
    assert card.conflict.withdrawn
    assert [
        (one.seq, one.action, one.session, one.at, one.changed_text)
        for one in (card.conflict.missed)
    ] == [(edit.seq, "edit", theirs.session, NOW, True)]
    # It stays so, for everybody, and both entries stay.
    assert theirs.card(first).conflict == card.conflict
    assert theirs.queue_page(Filter(conflict=True))[0].conflict
    assert theirs.counts().conflicts == 1
    assert [entry.action for entry in theirs.journal()] == ["approve", "edit"]
    # An edit settles nothing; whoever decides it having seen everything does.
    better = turns("Better?", "Better.")
    assert Curator(theirs).edit(first, better, theirs.card(first).seen).conflict is not None
    assert Curator(theirs).approve(first, theirs.card(first).seen).conflict is None
    assert mine.card(first).state == "approved"
    assert mine.counts().conflicts == 0


def test_an_edit_of_what_was_approved_meanwhile_takes_the_approval_back(
    two: tuple[Store, Store],
) -> None:
    mine, theirs = two
    first = ids(mine)[0]
    shown = mine.card(first)
    theirs.append("approve", first, seen=0, at=NOW)
    card = Curator(mine).edit(first, OTHER, shown.seen)
    assert (card.state, card.edited) == ("undecided", True)
    assert card.conflict is not None
    assert card.conflict.withdrawn
    # Nothing is left of it once either is undone.
    mine.undo(at=NOW)
    card = mine.card(first)
    assert (card.state, card.edited, card.conflict) == ("approved", False, None)
    # Seen, an edit leaves the state as it is.
    card = Curator(mine).edit(first, OTHER, card.seen)
    assert (card.state, card.conflict) == ("approved", None)


@pytest.mark.parametrize("theirs_first", [False, True])
@pytest.mark.parametrize(
    ("unseen", "action", "state"),
    [
        ("reject", "approve", "approved"),
        ("approve", "reject", "rejected"),
        ("approve", "skip", "skipped"),
        ("skip", "reject", "rejected"),
    ],
)
def test_another_decision_is_overridden_in_sight(
    two: tuple[Store, Store], unseen: Action, action: Action, state: str, theirs_first: bool
) -> None:
    mine, theirs = two
    first = ids(mine)[0]
    if theirs_first:
        theirs.append("skip", first, seen=0, at=NOW)
    shown = mine.card(first)
    theirs.append(unseen, first, seen=shown.seen, at=NOW)
    card = Curator(mine).decide(action, first, shown.seen)
    assert card.state == state
    assert card.conflict is not None
    assert not card.conflict.withdrawn
    assert [one.action for one in card.conflict.missed] == [unseen]
    assert mine.counts().conflicts == 1
    # The card that came back shows it, so that the same key again is a decision that saw it.
    assert Curator(mine).decide(action, first, card.seen).conflict is None
    assert len(mine.journal()) == 3 + theirs_first


def test_the_same_decision_is_told_and_is_no_conflict(two: tuple[Store, Store]) -> None:
    mine, theirs = two
    first, second = ids(mine)[:2]
    theirs.append("approve", first, seen=0, at=NOW)
    theirs.append("edit", second, turns=OTHER, seen=0, at=NOW)
    card = Curator(mine).approve(first, 0)
    assert card.conflict is not None
    assert card.conflict.agrees
    assert Curator(mine).edit(second, OTHER, 0).conflict is not None
    assert len(mine.journal()) == 4
    assert mine.counts().conflicts == 0
    assert mine.card(first).conflict is None


def test_what_was_undone_or_is_ones_own_was_not_missed(two: tuple[Store, Store]) -> None:
    mine, theirs = two
    first, second, third = ids(mine)[:3]
    theirs.append("reject", first, seen=0, at=NOW)
    theirs.undo(at=NOW)
    assert Curator(mine).approve(first, 0).conflict is None
    mine.append("edit", second, turns=OTHER, seen=0, at=NOW)
    assert Curator(mine).approve(second, 0).conflict is None
    # That what was seen was undone since is missed.
    theirs.append("edit", third, turns=OTHER, seen=0, at=NOW)
    shown = mine.card(third)
    theirs.undo(at=NOW)
    card = Curator(mine).approve(third, shown.seen)
    assert (card.state, card.turns) == ("undecided", card.example.turns)
    assert card.conflict is not None
    assert card.conflict.withdrawn


def test_an_undo_of_the_other_side_ends_a_conflict(two: tuple[Store, Store]) -> None:
    mine, theirs = two
    first = ids(mine)[0]
    theirs.append("edit", first, turns=OTHER, seen=0, at=NOW)
    Curator(mine).approve(first, 0)
    theirs.undo(at=NOW)
    card = mine.card(first)
    assert (card.state, card.edited, card.conflict) == ("approved", False, None)
    theirs.redo(at=NOW)
    assert mine.card(first).conflict is not None


def test_who_does_not_say_what_they_saw_neither_makes_nor_ends_a_conflict(
    two: tuple[Store, Store],
) -> None:
    mine, theirs = two
    first = ids(mine)[0]
    theirs.append("reject", first, at=NOW)
    assert Curator(mine).approve(first).conflict is None
    Curator(mine).reject(first, 0)
    assert Curator(mine).skip(first).conflict is not None


def test_a_model_that_words_a_question_meanwhile_is_another_session(tmp_path: Path) -> None:
    with filled(tmp_path / "finetui.db", 2) as store:
        first = ids(store)[0]
        shown = store.card(first)
        with store.again(session="model:tiny") as model:
            model.append("edit", first, turns=OTHER, at=NOW)
        assert Curator(store).approve(first, shown.seen).conflict is not None


def test_many_are_decided_in_one_step(two: tuple[Store, Store]) -> None:
    mine, theirs = two
    everything = ids(mine)
    theirs.append("edit", everything[0], turns=OTHER, seen=0, at=NOW)
    mine.append("approve", everything[1], at=NOW)
    done = Curator(mine).decide_many(
        "approve", [(one, 0) for one in everything[:3]] + [("b2-gone", 0)]
    )
    assert done.decided == (everything[0], everything[2])
    assert (done.unchanged, done.gone) == (1, ("b2-gone",))
    assert [example_id for example_id, _ in done.conflicts] == [everything[0]]
    assert {one.operation for one in mine.journal(2)} == {done.operation}
    undone = mine.undo(at=NOW)
    assert undone is not None
    assert (undone.examples, undone.foreign) == (2, False)
    assert mine.counts().approved == 1
    redone = mine.redo(at=NOW)
    assert redone is not None
    assert redone.examples == 2
    assert mine.counts().conflicts == 1
    assert Curator(mine).decide_many("approve", []).operation == ""


def test_a_filter_is_decided_as_it_is_in_that_moment(two: tuple[Store, Store]) -> None:
    mine, theirs = two
    theirs.append("edit", ids(mine)[0], turns=OTHER, seen=0, at=NOW)
    done = Curator(mine).decide_filtered("approve", Filter(edited=False))
    assert len(done.decided) == 4
    assert done.conflicts == ()
    assert {one.seen for one in mine.journal(4)} == {1}
    assert mine.counts().approved == 4


def test_one_operation_is_all_that_happens_within(two: tuple[Store, Store]) -> None:
    mine, _ = two
    first, second, third = ids(mine)[:3]
    with mine.operation() as identity:
        mine.append("approve", first, at=NOW)
        mine.append("edit", first, turns=OTHER, at=NOW)
        mine.append("reject", second, at=NOW)
    mine.append("skip", third, at=NOW)
    assert [one.operation == identity for one in mine.journal()] == [False, True, True, True]
    mine.undo(at=NOW)
    undone = mine.undo(at=NOW)
    assert undone is not None
    assert (len(undone.entries), undone.examples) == (3, 2)
    assert mine.counts().undecided == 5
    assert mine.counts().edited == 0


def test_what_was_decided_elsewhere_is_seen(two: tuple[Store, Store]) -> None:
    mine, theirs = two
    first, second, third = ids(mine)[:3]
    version, last = mine.data_version(), mine.last_seq()
    mine.append("approve", first, at=NOW)
    assert mine.data_version() == version
    theirs.append("approve", second, at=NOW)
    theirs.append("reject", third, at=NOW)
    theirs.append("skip", third, at=NOW)
    assert mine.data_version() != version
    elsewhere = mine.decided_elsewhere(last)
    assert (elsewhere.examples, elsewhere.ids, elsewhere.last) == (2, (third, second), 4)
    assert mine.decided_elsewhere(elsewhere.last).examples == 0
    with mine.again() as same:
        assert same.session == mine.session
        same.append("approve", first, at=NOW)
    assert mine.decided_elsewhere(elsewhere.last).examples == 0
