"""Curation by keys, on a real store."""

from __future__ import annotations

import pytest
from textual.widgets import TextArea

from engine.models import Filter, State
from engine.workspace import Workspace
from tests.tui.support import SMALL, opened_app, press_all, settings_of, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.curate import CurateScreen
from tui.screens.modals.edit import EditDialog
from tui.screens.modals.filter import FilterDialog
from tui.screens.modals.search import SearchDialog


def states(workspace: Workspace) -> list[State]:
    """Return the state of every example in queue order."""
    return [card.state for card in workspace.store.cards()]


def screen_of(app: FinetuiApp) -> CurateScreen:
    """Return the Curate screen."""
    assert isinstance(app.stage, CurateScreen)
    return app.stage


async def test_each_key_decides_the_card_that_follows(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        await press_all(pilot, "a r s a")
        assert states(filled) == ["approved", "rejected", "skipped", "approved"] + ["undecided"] * 4
        await wait_until(pilot, lambda: "2 of 100 approved" in text_of(screen_of(app).meter))
        assert "1 rejected" in text_of(screen_of(app).meter)
        assert screen_of(app).queue.cursor == 4


async def test_keys_typed_ahead_are_not_lost(filled: Workspace) -> None:
    """All keys stand in the terminal's buffer before the first is handled."""
    from textual import events

    async with opened_app(filled, stage="curate") as (app, pilot):
        for key in "araraarr":
            app.post_message(events.Key(key, key))
        await wait_until(pilot, lambda: "undecided" not in states(filled))
        by_key: dict[str, State] = {"a": "approved", "r": "rejected"}
        assert states(filled) == [by_key[key] for key in "araraarr"]


async def test_the_decision_is_in_the_database_when_the_key_is_done(filled: Workspace) -> None:
    from engine.store import Store

    async with opened_app(filled, stage="curate") as (_, pilot):
        await pilot.press("a")
        with Store.open(filled.store.path) as second:
            assert second.counts().approved == 1


async def test_undo_and_redo_go_where_the_decision_was(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = screen_of(app)
        await press_all(pilot, "a r end")
        assert screen.queue.cursor == 7
        await pilot.press("u")
        assert screen.queue.cursor == 1
        assert "undid: rejected" in screen.status_line.text
        await pilot.press("u")
        assert screen.queue.cursor == 0
        assert states(filled) == ["undecided"] * 8
        await pilot.press("u")
        assert "nothing to undo" in screen.status_line.text
        await press_all(pilot, "U ctrl+r")
        assert states(filled)[:2] == ["approved", "rejected"]
        await pilot.press("U")
        assert "nothing to redo" in screen.status_line.text


async def test_edit_in_place_saves_and_undo_takes_it_back(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        before = next(filled.store.cards())
        await pilot.press("e")
        await wait_until(pilot, lambda: isinstance(app.screen, EditDialog))
        area = app.screen.query_one(TextArea)
        area.text = area.text.replace("I said no", "I said yes")
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: isinstance(app.screen, CurateScreen))
        card = filled.store.card(before.example.id)
        assert card.edited
        assert "I said yes" in card.turns[1].content
        assert card.state == "undecided"
        await wait_until(pilot, lambda: "~ edited" in text_of(screen_of(app).card))
        assert "~" in text_of(screen_of(app).queue).splitlines()[1]
        await pilot.press("u")
        assert filled.store.card(before.example.id).turns == before.turns
        assert "undid: edited" in screen_of(app).status_line.text


async def test_an_edit_that_can_be_no_example_is_refused_in_the_dialog(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        await pilot.press("e")
        await wait_until(pilot, lambda: isinstance(app.screen, EditDialog))
        app.screen.query_one(TextArea).text = "no turn at all"
        await pilot.press("ctrl+s")
        dialog = app.screen
        assert isinstance(dialog, EditDialog)
        assert "text above the first turn" in dialog.status_line.text
        assert "begin with a line like" in dialog.status_line.text
        assert not filled.store.counts().edited


async def test_leaving_an_edit_keeps_the_draft(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        await pilot.press("e")
        await wait_until(pilot, lambda: isinstance(app.screen, EditDialog))
        await press_all(pilot, "x y z escape")
        await wait_until(pilot, lambda: isinstance(app.screen, CurateScreen))
        assert not filled.store.counts().edited
        await wait_until(pilot, lambda: "kept, not saved" in screen_of(app).status_line.text)
        assert "~ draft" in text_of(screen_of(app).card)
    async with opened_app(filled, stage="curate") as (app, pilot):
        await pilot.press("e")
        await wait_until(pilot, lambda: isinstance(app.screen, EditDialog))
        assert "--- assistant ---\nxyzI said no" in app.screen.query_one(TextArea).text
        await press_all(pilot, "ctrl+r ctrl+s")
        await wait_until(pilot, lambda: isinstance(app.screen, CurateScreen))
        assert "~ draft" not in text_of(screen_of(app).card)


async def test_the_draft_is_kept_while_typing(filled: Workspace) -> None:
    """A killed terminal loses at most what was typed in the last half second."""
    async with opened_app(filled, stage="curate") as (app, pilot):
        first = next(filled.store.cards()).example.id
        await pilot.press("e")
        await wait_until(pilot, lambda: isinstance(app.screen, EditDialog))
        await press_all(pilot, "x y z")
        await wait_until(pilot, lambda: bool(filled.store.get_meta(f"draft:{first}")))
        assert "\nxyzI said no" in (filled.store.get_meta(f"draft:{first}") or "")


async def test_without_a_terminal_the_editor_key_says_so(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        await pilot.press("E")
        assert "can't be handed to an editor" in screen_of(app).status_line.text
        assert not filled.store.counts().edited


async def test_search_narrows_the_queue_and_escape_widens_it(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        await pilot.press("slash")
        await wait_until(pilot, lambda: isinstance(app.screen, SearchDialog))
        await press_all(pilot, "b o a t")
        dialog = app.screen
        assert isinstance(dialog, SearchDialog)
        await wait_until(pilot, lambda: "1 example found" in dialog.status_line.text)
        await pilot.press("enter")
        await wait_until(pilot, lambda: isinstance(app.screen, CurateScreen))
        screen = screen_of(app)
        await wait_until(pilot, lambda: screen.queue.count == 1)
        assert "The boat that was not for sale" in text_of(screen.queue)
        await pilot.press("a")
        assert states(filled)[6] == "approved"
        await pilot.press("escape")
        assert screen.queue.count == 8
        assert screen.queue.cursor == 6


@pytest.mark.parametrize("words", ['"', "AND", "a OR", "NEAR(", "*", "col:x", "(", "'; --"])
async def test_no_search_raises(filled: Workspace, words: str) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        await pilot.press("slash")
        await wait_until(pilot, lambda: isinstance(app.screen, SearchDialog))
        dialog = app.screen
        assert isinstance(dialog, SearchDialog)
        dialog.field.value = words
        await pilot.press("enter")
        await wait_until(pilot, lambda: isinstance(app.screen, CurateScreen))


async def test_a_filter_of_states_loses_the_decided(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        await press_all(pilot, "a r f")
        await wait_until(pilot, lambda: isinstance(app.screen, FilterDialog))
        await press_all(pilot, "space enter")
        await wait_until(pilot, lambda: isinstance(app.screen, CurateScreen))
        screen = screen_of(app)
        await wait_until(pilot, lambda: screen.queue.count == 6)
        await press_all(pilot, "a a a a a a")
        assert filled.store.counts().undecided == 0
        assert screen.queue.count == 0
        assert "Nothing here is undecided." in text_of(screen.card)
        await pilot.press("a")
        assert "no example here" in screen.status_line.text
        await pilot.press("u")
        assert screen.queue.count == 1


async def test_filters_by_kind_and_tag(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        await pilot.press("f")
        await wait_until(pilot, lambda: isinstance(app.screen, FilterDialog))
        dialog = app.screen
        assert isinstance(dialog, FilterDialog)
        shown = text_of(dialog)
        assert "decision" in shown
        assert "#work" in shown
        await press_all(pilot, "k j j j j j space enter")
        await wait_until(pilot, lambda: isinstance(app.screen, CurateScreen))
        wanted = filled.store.queue_size(Filter(kinds=("reflection",)))
        await wait_until(pilot, lambda: screen_of(app).queue.count == wanted)


async def test_all_decided_says_what_comes_next(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        await press_all(pilot, "a a a a a a a a")
        assert "nothing undecided is left" in screen_of(app).status_line.text
        assert "3 freezes" in screen_of(app).status_line.text


async def test_an_empty_queue_teaches(workspace: Workspace) -> None:
    async with opened_app(workspace, stage="curate") as (app, pilot):
        assert "The queue is empty." in text_of(screen_of(app).card)
        for offered in ("approve", "edit", "search", "near-duplicates"):
            assert offered not in text_of(screen_of(app).cheat_line)
        await pilot.press("a")
        assert "no example here" in screen_of(app).status_line.text
        await press_all(pilot, "a r s e u n j k end home E slash escape")
        await wait_until(pilot, lambda: isinstance(app.screen, CurateScreen))


async def test_an_edit_opens_in_the_answer(filled: Workspace) -> None:
    async with opened_app(filled, SMALL, stage="curate") as (app, pilot):
        await pilot.press("e")
        area = app.screen.query_one(TextArea)
        assert area.document.get_line(area.cursor_location[0]).startswith("I said no")
        assert area.cursor_location[1] == 0
        assert "--- user ---" in text_of(area)


async def test_keys_behind_the_one_that_opens_curate_wait_for_its_card(filled: Workspace) -> None:
    from textual import events

    async with opened_app(filled, SMALL) as (app, pilot):
        for key in "2ar":
            app.post_message(events.Key(key, key))
        await wait_until(pilot, lambda: states(filled)[:2] == ["approved", "rejected"])
        await wait_until(pilot, lambda: "Why I said no" in text_of(app.screen))


async def test_moving_shows_the_card_under_the_cursor(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = screen_of(app)
        await press_all(pilot, "j j k")
        assert "Groceries" in text_of(screen.card)
        await pilot.press("end")
        assert "letter to the landlord" in text_of(screen.card)
        await pilot.press("home")
        assert "offsite" in text_of(screen.card)
        await pilot.click(screen.queue, offset=(5, 4))
        await wait_until(pilot, lambda: "Weekly review" in text_of(screen.card))


async def test_panes_fold_at_80_columns(filled: Workspace) -> None:
    async with opened_app(filled, SMALL, stage="curate") as (app, pilot):
        screen = screen_of(app)
        assert screen.card.display
        assert screen.card.region.width == 80
        assert not screen.queue.region
        await pilot.press("tab")
        await pilot.pause()
        assert screen.queue.region.width == 80
        assert not screen.card.region
        await pilot.press("a")
        assert states(filled)[0] == "approved"


async def test_a_decision_made_elsewhere_is_seen_on_coming_back(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        first = next(filled.store.cards()).example.id
        await pilot.press("1")
        filled.store.append("reject", first, at=1.0)
        await pilot.press("2")
        await wait_until(pilot, lambda: "✗" in text_of(screen_of(app).queue))


async def test_token_counts_of_an_installed_base(filled: Workspace, tiny_model_dir: object) -> None:
    settings = settings_of({"training": {"base": str(tiny_model_dir)}})
    workspace = Workspace(filled.root, settings, filled.store)
    async with opened_app(workspace, stage="curate") as (app, pilot):
        await wait_until(pilot, lambda: " tokens" in text_of(screen_of(app).card))
