"""What checks found, on the card, in the queue, in the filter and in its dialog."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import TextArea

from engine.curate import to_text
from engine.models import Card, Example, Flag, Provenance, State, Turn, example_id
from engine.quality.stage import check
from engine.workspace import Workspace, init_workspace, open_workspace
from tests.tui.findings import KEY, flag_some, found_in, link_some, span
from tests.tui.support import LARGE, SMALL, opened_app, press_all, text_of, wait_until
from tui.app import FinetuiApp
from tui.parts.curate_checks import ChecksPart
from tui.screens.curate import CurateScreen
from tui.screens.modals.filter import FilterDialog
from tui.screens.modals.near import NearDialog
from tui.screens.modals.why import WhyDialog

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x45"])


def screen_of(app: FinetuiApp) -> CurateScreen:
    """Return the Curate screen."""
    assert isinstance(app.stage, CurateScreen)
    return app.stage


@pytest.fixture
def flagged(filled: Workspace) -> Workspace:
    """Return the eight notes, of which five were checked."""
    flag_some(filled.store)
    return filled


@pytest.fixture
def linked(flagged: Workspace) -> Workspace:
    """Return the eight notes, compared with one another."""
    link_some(flagged.store)
    return flagged


@SIZES
async def test_one_line_above_the_text_counts_the_flags(
    flagged: Workspace, size: tuple[int, int]
) -> None:
    async with opened_app(flagged, size, stage="curate") as (app, pilot):
        screen = screen_of(app)
        first, second, *_ = [row.strip(" │") for row in text_of(screen.card).splitlines()
                             if row.strip(" │╭╮╰╯─")]  # fmt: skip
        assert first.startswith("? what-i-took-")
        assert "reflection · !! 4 flags" in first
        assert second.startswith("user")
        await press_all(pilot, "j j j")
        assert "no flags" in text_of(screen.card)
        await pilot.press("end")
        assert "not checked" in text_of(screen.card)
        if size == LARGE:
            rows = text_of(screen.queue).splitlines()
            assert [row for row in rows if "offsite" in row and "! " in row]
            assert not [row for row in rows if "Weekly" in row and "! " in row]


@SIZES
async def test_i_opens_for_every_card(flagged: Workspace, size: tuple[int, int]) -> None:
    async with opened_app(flagged, size, stage="curate") as (app, pilot):
        await press_all(pilot, "end i")
        dialog = app.screen
        assert isinstance(dialog, WhyDialog)
        assert "not checked" in dialog.status_line.text
        shown = text_of(dialog)
        for words in ("a-letter-to-the-landlord.md, lines 3 to 9", "A letter to the landlord",
                      "#home", "2025-03-14", "0.82 · first person", "/home/ana/notes",
                      "? undecided"):  # fmt: skip
            assert words in shown
        await pilot.press("enter")
        assert app.screen is app.stage


@SIZES
async def test_why(flagged: Workspace, size: tuple[int, int]) -> None:
    async with opened_app(flagged, size, stage="curate") as (app, pilot):
        await pilot.press("i")
        await wait_until(pilot, lambda: isinstance(app.screen, WhyDialog))
        dialog = app.screen
        assert isinstance(dialog, WhyDialog)
        assert "secret · aws key" in dialog.pane.text
        assert "turn 2, assistant" in dialog.pane.text
        assert "a key of a cloud service" in dialog.pane.text
        # Twice as long as what is left of it: the secret is nowhere to be read.
        assert "sa•••••••••••it" in dialog.pane.text
        assert "repetition" in dialog.pane.text
        await press_all(pilot, "j")
        await wait_until(pilot, lambda: "personal · e-mail" in dialog.pane.text)
        # The e-mail lies partly over the secret, of which it shows no more.
        assert "said no, and it" not in dialog.pane.text
        await press_all(pilot, "j j")
        await wait_until(pilot, lambda: "the whole example" in dialog.pane.text)
        await press_all(pilot, "space K escape")
        await wait_until(pilot, lambda: app.screen is app.stage)


async def test_an_edit_forgets_the_flags(flagged: Workspace) -> None:
    first = next(flagged.store.cards())
    turns = (first.turns[0], Turn("assistant", "Something else altogether."))
    async with opened_app(flagged, stage="curate") as (app, pilot):
        screen = screen_of(app)
        await pilot.press("e")
        app.screen.query_one(TextArea).text = to_text(turns)
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: app.screen is screen)
        await wait_until(pilot, lambda: "not checked" in text_of(screen.card))
        assert not [
            row for row in text_of(screen.queue).splitlines() if "offsite" in row and "! " in row
        ]
        await pilot.press("u")
        assert flagged.store.card(first.example.id).turns == first.turns


async def test_flags_that_point_nowhere_break_nothing(filled: Workspace) -> None:
    first = next(filled.store.cards())
    odd = [
        Flag("secret", "k", 1.0, "r", 1, -5, 3),
        Flag("personal", "k", 1.0, "r", 1, 5, 10**9),
        Flag("safety", "k", 1.0, "r", 1, 7, 2),
        Flag("quality", "k", 1.0, "r", 99, 0, 4),
        Flag("language", "[b]k", 1.0, "[red]why\x1b[2J[/]", -1, 0, 0),
    ]
    filled.store.write_flags("odd", [found_in(first, odd)])
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = screen_of(app)
        assert "I said no" in screen.card.text
        assert "!! 5 flags" in text_of(screen.card)
        await pilot.press("i")
        await wait_until(pilot, lambda: isinstance(app.screen, WhyDialog))
        await press_all(pilot, "j j j j")
        dialog = app.screen
        assert isinstance(dialog, WhyDialog)
        await wait_until(pilot, lambda: "[red]why\\x1b[2J[/]" in dialog.pane.text)


async def test_filter_by_flag_quality_and_language(flagged: Workspace) -> None:
    async with opened_app(flagged, LARGE, stage="curate") as (app, pilot):
        screen = screen_of(app)
        for label, count, words in (
            ("!! secret", 1, "! secret"),
            ("    e-mail", 1, "! email"),
            ("below 0.5", 1, "quality below 0.5"),
            ("0.7 and more", 3, "quality 0.7 and more"),
            ("ro", 1, "ro"),
        ):
            await pilot.press("f")
            await wait_until(pilot, lambda: isinstance(app.screen, FilterDialog))
            dialog = app.screen
            assert isinstance(dialog, FilterDialog)
            await wait_until(pilot, lambda rows=dialog.rows: rows.count > 0)  # type: ignore[misc]
            at = next(n for n, line in enumerate(dialog._lines) if line.label == label)
            await pilot.press("c")
            dialog.rows.move_to(at)
            assert str(count) in "".join(text for text, _ in dialog.rows.draw(at, 80))
            await press_all(pilot, "space enter")
            await wait_until(pilot, lambda: app.screen is screen)
            await wait_until(
                pilot,
                lambda words=words: words in screen.status_line.text,  # type: ignore[misc]
            )
            assert screen.queue.count == count


def near_of(app: FinetuiApp) -> NearDialog:
    """Return the dialog of near-duplicates."""
    assert isinstance(app.screen, NearDialog)
    return app.screen


def states_of(workspace: Workspace) -> list[State]:
    """Return the states of the first six examples."""
    return [card.state for card in workspace.store.cards()][:6]


@SIZES
async def test_near_duplicates(linked: Workspace, size: tuple[int, int]) -> None:
    async with opened_app(linked, size, stage="curate") as (app, pilot):
        await pilot.press("c")
        dialog = near_of(app)
        await wait_until(pilot, lambda: dialog.rows.count == 5)
        shown = text_of(dialog.rows)
        assert "this one" in shown.splitlines()[0]
        assert "0.97" in shown
        assert "≥0.92" in shown
        assert "question" in shown
        assert "answer" in shown
        assert "Bread, salt" in dialog.right.text
        await pilot.press("j")
        await wait_until(pilot, lambda: "The role was two roles" in dialog.right.text)
        # 0.90 to 0.96 is six steps: only what is nearer stays.
        await press_all(pilot, "right right right right right right")
        await wait_until(pilot, lambda: dialog.rows.count == 2)
        await press_all(pilot, "right right")
        await wait_until(pilot, lambda: "nothing is as near" in dialog.status_line.text)
        await press_all(pilot, "left left j enter")
        await wait_until(pilot, lambda: app.screen is app.stage)
        await wait_until(pilot, lambda: "Groceries" in text_of(screen_of(app).card))


@SIZES
async def test_near_ones_and_the_card_are_decided_on_the_spot(
    linked: Workspace, size: tuple[int, int]
) -> None:
    async with opened_app(linked, size, stage="curate") as (app, pilot):
        screen = screen_of(app)
        await press_all(pilot, "home c r a k k k a")
        dialog = near_of(app)
        assert states_of(linked)[:3] == ["approved", "rejected", "approved"]
        rows = text_of(dialog.rows).splitlines()
        assert ["✓" in rows[0], "✗" in rows[1], "✓" in rows[2]] == [True] * 3
        # The last decision is undone here, and those before it where the queue is.
        await pilot.press("u")
        assert states_of(linked)[0] == "undecided"
        assert "?" in text_of(dialog.rows).splitlines()[0]
        await pilot.press("escape")
        assert app.screen is screen
        await wait_until(pilot, lambda: "1 of 100 approved" in text_of(screen.meter))
        await press_all(pilot, "u u")
        assert states_of(linked)[:3] == ["undecided"] * 3


async def test_undo_there_leaves_what_was_decided_before(linked: Workspace) -> None:
    async with opened_app(linked, stage="curate") as (app, pilot):
        await press_all(pilot, "a home c u")
        assert states_of(linked)[0] == "approved"
        assert "nothing was decided here" in near_of(app).status_line.text


async def test_keep_the_best_and_take_it_back(linked: Workspace) -> None:
    cards = list(linked.store.cards())
    linked.store.append("approve", cards[4].example.id, at=1.0)
    async with opened_app(linked, stage="curate") as (app, pilot):
        await press_all(pilot, "home c b")
        dialog = near_of(app)
        assert "rejected 2 duplicates" in dialog.status_line.text
        # What is alike in its question or its answer alone stays as it was.
        assert states_of(linked) == ["rejected", "rejected", "undecided", "undecided", "approved",
                                     "undecided"]  # fmt: skip
        await press_all(pilot, "u")
        assert "undid 2 decisions" in dialog.status_line.text
        assert states_of(linked)[:2] == ["undecided", "undecided"]
        # It was one act: once more on Curate takes back what was before it.
        await press_all(pilot, "escape u")
        assert states_of(linked)[4] == "undecided"


async def test_what_was_never_compared_says_so(flagged: Workspace) -> None:
    async with opened_app(flagged, stage="curate") as (app, pilot):
        await pilot.press("c")
        await wait_until(pilot, lambda: "not compared" in near_of(app).status_line.text)
        # Letters and enter do no harm where the list holds the card alone.
        await press_all(pilot, "j b u enter")
        assert app.screen is app.stage


def mail_to_ana(workspace: Workspace) -> Card:
    """Write an e-mail address and a key into the first note, and flag both."""
    first = next(workspace.store.cards())
    text = f"Write to ana@example.org, the key is {KEY}, or to ana@example.org again."
    turns = (first.turns[0], Turn("assistant", text))
    workspace.store.append("edit", first.example.id, turns=turns, at=1.0)
    card = workspace.store.card(first.example.id)
    mail = span(card, "ana@example.org", "personal", "email", "an e-mail address")
    again = replace(mail, start=text.rindex("ana@"), end=text.rindex("ana@") + 15)
    key = span(card, KEY, "secret", "aws-key", "a key")
    workspace.store.write_flags("all", [found_in(card, [mail, key, again])])
    return workspace.store.card(first.example.id)


async def test_one_key_redacts_and_another_takes_it_back(filled: Workspace) -> None:
    before = mail_to_ana(filled)
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = screen_of(app)
        await press_all(pilot, "home x")
        await wait_until(pilot, lambda: "redacted" in screen.status_line.text)
        assert "e-mail ×2" in screen.status_line.text
        assert "aws key ×1" in screen.status_line.text
        text = filled.store.card(before.example.id).turns[1].content
        assert KEY not in text
        assert "ana@" not in text
        assert text.count("[EMAIL_1]") == 2
        assert "[EMAIL_1]" in screen.card.text
        assert KEY not in text_of(screen)
        assert "not checked" in text_of(screen.card)
        await pilot.press("x")
        await wait_until(pilot, lambda: "not checked yet" in screen.status_line.text)
        await pilot.press("u")
        assert filled.store.card(before.example.id).turns == before.turns


async def test_nothing_to_redact(flagged: Workspace) -> None:
    async with opened_app(flagged, stage="curate") as (app, pilot):
        await press_all(pilot, "home j j j x")
        await wait_until(pilot, lambda: "no secret" in screen_of(app).status_line.text)
        assert not flagged.store.counts().edited


async def test_a_redacted_value_is_offered_and_taken_out_everywhere(tmp_path: Path) -> None:
    said = ["My name is Dana Brătescu.", "BRATESCU, Dana was here.", "It was Dana Brătescu's."]
    folder = init_workspace(tmp_path / "ws")
    with open_workspace(folder) as space:
        source = space.store.add_source("vault", "/notes")
        examples = []
        for number, answer in enumerate(said):
            turns = (Turn("user", f"Who was it on day {number}?"), Turn("assistant", answer))
            where = Provenance("", f"{number}.md", 1, 2)
            examples.append(Example(example_id(turns), "qa", turns, where))
        space.store.record_scan(source.id, examples, [], 3, at=1.0)
        check(space, names=["personal"])

        def texts() -> list[str]:
            return [space.store.card(one.id).turns[1].content for one in examples]

        checks = ChecksPart(space.store)
        assert "nothing was redacted yet" in (await checks.redact_elsewhere()).message
        outcome = await checks.redact(next(space.store.cards()))
        assert outcome.message.endswith("also in 2 other examples")
        space.store.undo(at=2.0)
        check(space, names=["personal"])
        async with opened_app(space, LARGE, stage="curate") as (app, pilot):

            def settled() -> bool:
                return all(w.is_finished for w in app.workers if w.group == "outcome")

            await pilot.press("x")
            await wait_until(pilot, lambda: texts()[0] == "My name is [PERSON_1]." and settled())
            assert texts()[1:] == said[1:]
            await pilot.press("X")
            await wait_until(pilot, lambda: texts()[2] == "It was [PERSON_1]'s." and settled())
            assert texts()[1] == "[PERSON_1] was here."
            await pilot.press("u")
            await wait_until(pilot, lambda: texts() == ["My name is [PERSON_1].", *said[1:]])
