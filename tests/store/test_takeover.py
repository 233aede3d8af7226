"""Decisions of a workspace taken over into a copy of it: all comes to what it was."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.curate import Curator, redact_example
from engine.models import Action, Filter, Flag
from engine.store import Store
from tests.store.support import NOW, example, filled, found_in, ids, turns

DECISIONS: tuple[Action, ...] = ("approve", "reject", "skip")


def shown(store: Store) -> list[Any]:
    """Return what a person sees of each example; numbers of entries are a database's own."""
    found = []
    for card in store.cards():
        conflict = card.conflict and (
            card.conflict.action,
            card.conflict.session,
            card.conflict.withdrawn,
            [(one.action, one.session, one.at) for one in card.conflict.missed],
        )
        found.append((card.example.id, card.state, card.turns, card.edited, conflict))
    return found


def pair(folder: Path, examples: int) -> tuple[Path, Path]:
    """Return a database, and a copy of it from before any decision."""
    ours, theirs = folder / "ours.db", folder / "theirs.db"
    texts = [turns(f"Q{n}?", f"Write to m{n}@example.org") for n in range(examples)]
    rows = [example(n, text=text) for n, text in enumerate(texts)]
    with filled(ours, rows) as store:
        for card in store.cards():
            start, end = len("Write to "), len(card.turns[1].content)
            found = Flag("personal", "email", 0.9, "an address", 1, start, end)
            store.write_flags("personal", [found_in(card, found)])
    shutil.copyfile(ours, theirs)
    return ours, theirs


def act(chance: random.Random, stores: list[Store], at: float) -> None:
    """Do one thing at random, as a person who may not have seen the latest."""
    store = chance.choice(stores)
    which = chance.choice(ids(store))
    head = store.last_seq()
    seen = chance.choice([None, 0, store.card(which).seen, head, chance.randint(0, head)])
    what = chance.choice(["edit", "one", "one", "all", "many", "undo", "redo", "redact"])
    action = chance.choice(DECISIONS)
    if what == "edit":
        store.edit(which, turns(f"Q {chance.randint(0, 3)}?", "Edited."), seen=seen, at=at)
    elif what == "one":
        store.decide(action, which, seen=seen, at=at)
    elif what == "all":
        store.decide_filtered(action, Filter(states=("undecided",), conflict=False), at=at)
    elif what == "many":
        some = chance.sample(ids(store), 3)
        store.decide_many(action, [(one, seen) for one in some], at=at)
    elif what == "undo":
        store.undo(at=at, example_id=chance.choice(["", which]))
    elif what == "redo":
        store.redo(at=at)
    else:
        redact_example(store, which)


@pytest.mark.parametrize("seed", range(11))
def test_a_copy_that_takes_all_over_shows_the_same(tmp_path: Path, seed: int) -> None:
    ours, theirs = pair(tmp_path, 6)
    chance = random.Random(seed)
    with Store.open(ours) as first, Store.open(ours) as second, Store.open(theirs) as copy:
        taken = 0
        for step in range(40):
            act(chance, [first, second], NOW + step)
            if step in (15, 39):  # also a part first, and all of it later
                done = copy.take_over_decisions(ours)
                taken += done.taken
                assert shown(copy) == shown(first)
        assert taken == len(first.journal()) == len(copy.journal())
        again = copy.take_over_decisions(ours)
        assert (again.taken, again.known) == (0, taken)
        assert shown(copy) == shown(first)
        assert not copy.verify().differences
        assert first.counts().conflicts == copy.counts().conflicts


@pytest.mark.parametrize("seed", range(5))
def test_saved_decisions_of_a_session_come_to_the_same(tmp_path: Path, seed: int) -> None:
    ours, theirs = pair(tmp_path, 6)
    chance = random.Random(seed)
    with Store.open(ours) as store, Store.open(theirs) as copy:
        for step in range(30):
            act(chance, [store], NOW + step)
        saved = store.rescue(tmp_path / "saved.jsonl", whole=False)
        assert copy.take_over_decisions(saved.decisions).taken == saved.count
        assert shown(copy) == shown(store)
        assert copy.take_over_decisions(saved.decisions).taken == 0


@pytest.mark.parametrize("seed", range(5))
def test_nothing_that_was_decided_here_is_overridden_unseen(tmp_path: Path, seed: int) -> None:
    ours, theirs = pair(tmp_path, 6)
    chance = random.Random(seed)
    with Store.open(ours) as first, Store.open(ours) as second, Store.open(theirs) as copy:
        for step in range(30):
            act(chance, [first, second], NOW + step)
        edited, rejected, *_ = ids(copy)
        copy.edit(edited, turns("Ours?", "Ours."), seen=0, at=NOW)
        copy.decide("reject", rejected, seen=0, at=NOW)
        copy.take_over_decisions(ours)
        for which in (edited, rejected):
            here, there = copy.card(which), first.card(which)
            known = len([one for one in copy.journal() if one.example_id == which])
            decided = [one for one in first.journal() if one.example_id == which]
            assert known == len(decided) + 1  # both sides stay
            if here.state == "approved" and here.turns != there.turns:
                pytest.fail("an approval counts for a text that its person never saw")
            if here.conflict is None and which == edited:
                assert here.state != "approved" or here.turns == turns("Ours?", "Ours.")
            if here.conflict is None and which == rejected:
                assert here.state in ("rejected", "undecided")


def test_all_decided_after_an_edit_counts_in_the_copy(tmp_path: Path) -> None:
    ours, theirs = pair(tmp_path, 40)
    with Store.open(ours) as editing, Store.open(theirs) as copy:
        one, two, *_ = ids(editing)
        Curator(editing).edit(one, turns("Better?", "Better."), 0)
        with Store.open(ours) as rejecting, Store.open(ours) as approving:
            Curator(rejecting).reject(two, 0)
            Curator(approving).decide_filtered("approve", Filter(states=("undecided",)))
        done = copy.take_over_decisions(ours)
        assert (done.taken, done.conflicts) == (41, ())
        assert (copy.card(one).state, copy.card(one).edited) == ("approved", True)
        assert copy.counts().approved == 39


def test_what_came_between_is_missed_by_all_that_was_decided_after_it(tmp_path: Path) -> None:
    """A second person's approval saw the first one's skip, and never the edit made here."""
    ours, theirs = pair(tmp_path, 2)
    with Store.open(ours) as first, Store.open(ours) as second, Store.open(theirs) as copy:
        which = ids(first)[0]
        copy.edit(which, turns("Here?", "Here."), seen=0, at=NOW)
        first.decide("skip", which, seen=0, at=NOW)
        second.decide("approve", which, seen=first.card(which).seen, at=NOW)
        assert copy.take_over_decisions(ours).conflicts == (which,)
        assert copy.card(which).state != "approved"
