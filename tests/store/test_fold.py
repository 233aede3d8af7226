"""The state of the queue is always the fold of the journal, whatever was done by whom."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.models import Action, JournalEntry, State, Turn
from engine.store import Store
from engine.store.fold import Folded, effective, fold, fold_one
from tests.store.support import NOW, example, filled, ids, turns
from tests.support.properties import tries

NUMBER = 4
ANYBODY = -1
AFTER: dict[str, State] = {"approve": "approved", "reject": "rejected", "skip": "skipped"}

examples = st.integers(0, NUMBER - 1)
sessions = st.integers(0, 1)
texts = st.sampled_from([turns("Q", "A"), turns("Q", "B"), turns("Nul\0 \ud800?", "C")])


Done = tuple[int, int, int, Action, tuple[Turn, ...]]


class Model:
    """What a person would say the state is: stacks of decisions, and no SQL."""

    def __init__(self) -> None:
        self.done: list[Done] = []
        self.undone: list[tuple[int, Done]] = []  # who undid what
        self.may_redo: list[set[int]] = []
        self._number = 0

    def decide(self, who: int, which: int, action: Action, text: tuple[Turn, ...] = ()) -> None:
        self._number += 1
        self.done.append((self._number, who, which, action, text))
        # A decision ends one's own redoing, and everybody's of what others undid.
        for _, able in zip(self.undone, self.may_redo, strict=True):
            able.discard(who)
            able.discard(ANYBODY)

    def undo(self, who: int, which: int | None = None) -> bool:
        fitting = [item for item in self.done if which in (None, item[2])]
        mine = [item for item in fitting if item[1] == who] or fitting
        if mine:
            self.done.remove(mine[-1])
            self.undone.append((who, mine[-1]))
            self.may_redo.append({who, ANYBODY})
        return bool(mine)

    def redo(self, who: int) -> bool:
        for able in (
            [by == who and who in may for (by, _), may in self._undone()],
            [ANYBODY in may for _, may in self._undone()],
        ):
            if any(able):
                at = len(able) - 1 - able[::-1].index(True)
                self.may_redo.pop(at)
                self.done.append(self.undone.pop(at)[1])
                self.done.sort()
                return True
        return False

    def _undone(self) -> list[tuple[tuple[int, Done], set[int]]]:
        return list(zip(self.undone, self.may_redo, strict=True))

    def state(self, which: int) -> State:
        mine = [action for *_, about, action, _ in self.done if about == which and action in AFTER]
        return AFTER[mine[-1]] if mine else "undecided"

    def text(self, which: int) -> tuple[Turn, ...]:
        mine = [text for *_, about, action, text in self.done if (about, action) == (which, "edit")]
        return mine[-1] if mine else example(which).turns


class Curation(RuleBasedStateMachine):
    """Two sessions decide, edit, undo, redo and reopen on one file."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "finetui.db"
        self.stores = [
            filled(self.path, NUMBER),
            Store.open(self.path, session="session 1"),
        ]
        self.stores[0].session = "session 0"
        self.ids = ids(self.stores[0])
        self.model = Model()
        self.time = NOW

    def now(self) -> float:
        self.time += 1
        return self.time

    @rule(session=sessions, which=examples, action=st.sampled_from(sorted(AFTER)))
    def decide(self, session: int, which: int, action: Action) -> None:
        self.stores[session].append(action, self.ids[which], at=self.now())
        self.model.decide(session, which, action)

    @rule(session=sessions, which=examples, text=texts)
    def edit(self, session: int, which: int, text: tuple[Turn, ...]) -> None:
        self.stores[session].append("edit", self.ids[which], turns=text, at=self.now())
        self.model.decide(session, which, "edit", text)

    @rule(session=sessions, which=examples)
    def edit_back(self, session: int, which: int) -> None:
        self.edit(session, which, example(which).turns)

    @rule(session=sessions)
    def undo(self, session: int) -> None:
        entry = self.stores[session].undo(at=self.now())
        assert (entry is not None) == self.model.undo(session)

    @rule(session=sessions, which=examples)
    def undo_one(self, session: int, which: int) -> None:
        entry = self.stores[session].undo(at=self.now(), example_id=self.ids[which])
        assert (entry is not None) == self.model.undo(session, which)

    @rule(session=sessions)
    def redo(self, session: int) -> None:
        entry = self.stores[session].redo(at=self.now())
        assert (entry is not None) == self.model.redo(session)

    @rule(session=sessions)
    def reopen(self, session: int) -> None:
        self.stores[session].close()
        self.stores[session] = Store.open(self.path, session=f"session {session}")

    @invariant()
    def both_sessions_see_the_fold(self) -> None:
        journal = self.stores[0].journal()[::-1]
        folded = fold(journal)
        times = {entry.seq: entry.at for entry in journal}
        for store in self.stores:
            assert store.journal()[::-1] == journal
            for which, card in enumerate(store.cards()):
                said = folded.get(self.ids[which], Folded())
                assert card.state == said.state == self.model.state(which)
                assert card.turns == (said.turns or example(which).turns)
                assert card.turns == self.model.text(which)
                assert card.edited == (card.turns != example(which).turns)
                assert card.decided_at == said.decided_at
                assert (card.decided_at == 0) == (card.state == "undecided")
            assert store.verify().differences == ()
        assert [entry.seq for entry in journal] == sorted(times)

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()


TestCuration = Curation.TestCase
TestCuration.settings = settings(
    max_examples=tries(60),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def _entry(seq: int, action: Action, target: int = 0, which: str = "a") -> JournalEntry:
    text = turns("Q", str(seq)) if action == "edit" else ()
    return JournalEntry(seq, which, action, NOW + seq, "s", target, text)


def test_fold_by_hand() -> None:
    journal = [
        _entry(1, "approve"),
        _entry(2, "edit"),
        _entry(3, "reject"),
        _entry(4, "undo", 3),
        _entry(5, "skip", which="b"),
        _entry(6, "undo", 5, which="b"),
        _entry(7, "redo", 5, which="b"),
        _entry(8, "undo", 2),
    ]
    assert [entry.seq for entry in effective(journal)] == [1, 5]
    assert fold(journal) == {
        "a": Folded("approved", None, NOW + 1),
        "b": Folded("skipped", None, NOW + 5),
    }
    assert fold(journal[:4])["a"] == Folded("approved", turns("Q", "2"), NOW + 1)
    assert fold([]) == {}


steps = st.lists(
    st.tuples(
        st.sampled_from(["approve", "edit", "reject", "undo", "redo"]),
        st.sampled_from(["a", "b"]),
        st.sampled_from([0, 1, 2, 3, 5, None]),
        st.integers(1, 4),
    ),
    min_size=3,
    max_size=8,
)


def journal_from(chosen: list[tuple[Action, str, int | None, int]]) -> list[JournalEntry]:
    """Return a journal of one example that could be: what undoes names what can be undone."""
    journal: list[JournalEntry] = []
    undone: set[int] = set()
    for action, session, seen, target in chosen:
        seq = len(journal) + 1
        decided = {entry.seq for entry in journal if not entry.target}
        if action == "undo" and target in decided - undone:
            undone.add(target)
        elif action == "redo" and target in undone:
            undone.discard(target)
        elif action in ("undo", "redo"):
            continue
        else:
            target = 0
        text = turns("Q", str(seq)) if action == "edit" else ()
        known = None if seen is None or target else min(seen, seq - 1)
        journal.append(JournalEntry(seq, "x", action, NOW + seq, session, target, text, seen=known))
    return journal


def told(journal: list[JournalEntry]) -> tuple[State, int, bool]:
    """Return state, last edit and conflict by the words of docs/decisions.md, step by step."""
    word: dict[int, JournalEntry] = {}
    for entry in journal:
        if entry.target:
            word[entry.target] = entry

    def counts(entry: JournalEntry) -> bool:
        return not entry.target and (entry.seq not in word or word[entry.seq].action == "redo")

    state: State = "undecided"
    text, conflict = 0, False
    for entry in filter(counts, journal):
        missed = [
            one
            for one in journal
            if entry.seen is not None
            and entry.seen < one.seq < entry.seq
            and one.session != entry.session
            and (counts(one) or (one.target and word[one.target] is one))
            and not (one.target > entry.seen)
        ]
        about = [journal[one.target - 1] if one.target else one for one in missed]
        edits = [one for one in about if one.action == "edit"]
        others = [one for one in about if one.action != "edit"]
        if entry.action == "edit":
            text = entry.seq  # no two edits give the same text here
            conflict = conflict or bool(missed)
            if others and state == "approved":
                state = "undecided"
        else:
            same = not edits and state == AFTER[entry.action]
            if missed and not same:
                conflict = True
            elif not missed and entry.seen is not None:
                conflict = False
            state = AFTER[entry.action]
            if edits and entry.action == "approve":
                state = "undecided"
    return state, text, conflict


@given(steps)
@settings(max_examples=tries(1500), deadline=None)
def test_conflicts_are_what_the_words_say(
    chosen: list[tuple[Action, str, int | None, int]],
) -> None:
    journal = journal_from(chosen)
    folded = fold_one(journal)
    text = int(folded.turns[1].content) if folded.turns else 0
    assert (folded.state, text, folded.conflict is not None) == told(journal)
