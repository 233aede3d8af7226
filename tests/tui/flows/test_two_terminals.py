"""Two terminals on one workspace: what the other did is shown, and never overridden in silence."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from textual import events

from engine.curate import Curator
from engine.models import Filter, Turn
from engine.store import Store
from engine.workspace import Workspace
from tests.tui.conftest import NOTES, make_example
from tests.tui.support import SMALL, opened_app, press_all, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.curate import CurateScreen
from tui.screens.modals.filter import FilterDialog
from tui.screens.modals.why import WhyDialog


@pytest.fixture
def other(filled: Workspace) -> Iterator[Store]:
    """Return the workspace as another terminal has it open."""
    with Store.open(filled.store.path) as store:
        yield store


def ids_of(store: Store) -> list[str]:
    """Return the examples in queue order."""
    return [card.example.id for card in store.cards()]


def edited(store: Store, example_id: str, answer: str) -> None:
    """Edit an example as the other terminal does, which has seen it as it is."""
    card = store.card(example_id)
    turns = (card.turns[0], Turn("assistant", answer))
    Curator(store).edit(example_id, turns, card.seen)


def screen_of(app: FinetuiApp) -> CurateScreen:
    """Return the Curate screen."""
    assert isinstance(app.stage, CurateScreen)
    return app.stage


async def test_what_the_other_decides_appears(filled: Workspace, other: Store) -> None:
    ids = ids_of(other)
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = screen_of(app)
        await pilot.press("j")
        Curator(other).decide_many("approve", [(ids[0], None), (ids[7], None)])
        await wait_until(pilot, lambda: "2 decided elsewhere" in screen.status_line.text)
        assert text_of(screen.queue).count("✓") == 2
        await wait_until(pilot, lambda: "2 of 100 approved" in text_of(screen.meter))
        assert screen.queue.cursor == 1
        # The example in front is decided there: its card says so.
        Curator(other).reject(ids[1])
        await wait_until(pilot, lambda: "1 decided elsewhere" in screen.status_line.text)
        assert "✗ groceries.md" in text_of(screen.card)


async def test_a_filter_loses_what_the_other_decides_and_nothing_is_hit_by_chance(
    filled: Workspace, other: Store
) -> None:
    ids = ids_of(other)
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = screen_of(app)
        screen.show_part(Filter(states=("undecided",)))
        await pilot.press("j")
        Curator(other).approve(ids[1])
        await wait_until(pilot, lambda: "Why I said no" in text_of(screen.card))
        await pilot.press("a")
        assert "look again" in screen.status_line.text
        assert filled.store.card(ids[2]).state == "undecided"


async def test_what_another_process_scans_appears(filled: Workspace, other: Store) -> None:
    (source,) = other.sources()
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = screen_of(app)
        total = other.counts().total
        other.remove_source(source.id)
        await wait_until(pilot, lambda: f"removed {total} examples" in screen.status_line.text)
        assert screen.card.card is None
        again = other.add_source(source.kind, source.root)
        new = make_example(again.id, *NOTES[1])
        other.record_scan(again.id, [new], [], 1, at=time.time())
        await wait_until(pilot, lambda: "added 1 example" in screen.status_line.text)
        assert screen.card.card is not None
        assert screen.card.card.example.id == new.id


async def test_keys_behind_a_decision_on_what_is_gone_are_dropped(
    filled: Workspace, other: Store, nobody_looks: None
) -> None:
    (source,) = other.sources()
    _first, second, *_ = ids_of(other)
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = screen_of(app)
        assert screen.card.card is not None
        other.append("skip", second, at=time.time())
        await pilot.press("g")
        other.remove_source(source.id)  # what was decided stays
        await press_all(pilot, "a r r")
        assert "a scan removed that example" in screen.status_line.text
        assert [entry.action for entry in other.journal()] == ["skip"]
        assert screen.card.card is not None
        assert screen.card.card.example.id == second


@pytest.fixture
def nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let keys come before the next look, whatever the machine does meanwhile."""
    monkeypatch.setattr("tui.bridge.elsewhere.Watch.start", lambda _: None)


@pytest.mark.usefixtures("nobody_looks")
async def test_an_approval_of_a_text_that_was_edited_meanwhile_is_a_conflict(
    filled: Workspace, other: Store
) -> None:
    first, second, *_ = ids_of(other)
    async with opened_app(filled, SMALL, stage="curate") as (app, pilot):
        screen = screen_of(app)
        edited(other, first, "I said yes, in the end.")
        for key in "ar":  # the second is meant for the card that follows
            app.post_message(events.Key(key, key))
        await wait_until(pilot, lambda: "is not approved" in screen.status_line.text)
        assert "edited in another terminal" in screen.status_line.text
        assert filled.store.card(first).state == "undecided"
        assert screen.queue.cursor == 0
        shown = text_of(screen.card)
        assert "I said yes, in the end." in shown
        assert "⇄ in conflict: approved here" in shown
        assert [one.action for one in other.journal(example_id=first)] == ["approve", "edit"]
        await pilot.press("tab")
        await wait_until(pilot, lambda: "?~ ⇄" in text_of(screen.queue).splitlines()[1])
        await pilot.press("tab")
        # Now it has been seen.
        await pilot.press("a")
        card = filled.store.card(first)
        assert (card.state, card.conflict) == ("approved", None)
        assert filled.store.card(second).state == "undecided"


async def test_a_text_that_changes_on_the_screen_is_not_approved_by_the_key_that_follows(
    filled: Workspace, other: Store
) -> None:
    first = ids_of(other)[0]
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = screen_of(app)
        edited(other, first, "I said yes, in the end.")
        await wait_until(pilot, lambda: "I said yes, in the end." in text_of(screen.card))
        assert "edited in another terminal since you saw it" in text_of(screen.card)
        await pilot.press("a")
        await wait_until(pilot, lambda: "is not approved" in screen.status_line.text)
        await pilot.press("a")
        assert filled.store.card(first).state == "approved"
        assert screen.queue.cursor == 1


@pytest.mark.usefixtures("nobody_looks")
async def test_a_conflict_can_be_found_and_its_history_told(
    filled: Workspace, other: Store
) -> None:
    first = ids_of(other)[0]
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = screen_of(app)
        Curator(other).approve(first, 0)
        await pilot.press("r")
        await wait_until(pilot, lambda: "but it was approved" in screen.status_line.text)
        await pilot.press("f")
        await wait_until(pilot, lambda: "⇄ in conflict" in text_of(app.screen))
        assert isinstance(app.screen, FilterDialog)
        await press_all(pilot, "j j j j j space enter")
        await wait_until(pilot, lambda: screen.queue.count == 1)
        await pilot.press("i")
        await wait_until(pilot, lambda: "History" in text_of(app.screen))
        assert isinstance(app.screen, WhyDialog)
        lines = text_of(app.screen).splitlines()
        assert any("rejected" in line and "in this session" in line for line in lines)
        assert any("approved" in line and "in another session" in line for line in lines)


async def test_undo_takes_ones_own_first_and_says_whose_it_was(
    filled: Workspace, other: Store
) -> None:
    ids = ids_of(other)
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = screen_of(app)
        await pilot.press("a")
        Curator(other).decide_many("reject", [(one, None) for one in ids[4:]])
        await pilot.press("u")
        assert "undid: approved" in screen.status_line.text
        assert "another session" not in screen.status_line.text
        await pilot.press("u")
        assert "undid: rejected 4 examples" in screen.status_line.text
        assert "another session" in screen.status_line.text
        assert filled.store.counts().undecided == 8
        await wait_until(pilot, lambda: "✗" not in text_of(screen.queue))


async def test_nothing_is_drawn_while_nothing_changes(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = screen_of(app)
        looks: list[int] = []
        version = filled.store.data_version

        def counted() -> int:
            looks.append(version())
            return looks[-1]

        monkeypatch.setattr(filled.store, "data_version", counted)
        await wait_until(pilot, lambda: len(looks) >= 1)
        drawn: list[object] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(app, "_display", lambda *given: drawn.append(given))
            seen = len(looks)
            await wait_until(pilot, lambda: len(looks) >= seen + 2)
            assert drawn == []
        # On another stage nobody looks.
        await pilot.press("1")
        count = len(looks)
        await pilot.press("2")
        await wait_until(pilot, lambda: len(looks) > count)
        assert screen.queue.cursor == 0
