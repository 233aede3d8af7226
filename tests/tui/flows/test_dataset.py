"""The Dataset stage by keys: numbers, freezing, exporting, the gate, tokens."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.models import Turn
from engine.workspace import Workspace
from tests.tui.findings import flag_some, link_some
from tests.tui.support import (
    LARGE,
    SMALL,
    opened_app,
    press_all,
    settings_of,
    stage_name,
    text_of,
    wait_until,
)
from tui.app import FinetuiApp
from tui.messages import Progressed
from tui.screens.curate import CurateScreen
from tui.screens.dataset import DatasetScreen
from tui.screens.modals.export import ExportDialog
from tui.screens.modals.freeze import FreezeDialog
from tui.screens.modals.tokens import TokensDialog
from tui.widgets.field import Field

Approve = Callable[[int], None]


def screen_of(app: FinetuiApp) -> DatasetScreen:
    """Return the Dataset screen."""
    assert isinstance(app.stage, DatasetScreen)
    return app.stage


@pytest.fixture
def approved(filled: Workspace) -> Workspace:
    """Return a workspace with six approved examples of eight."""
    for card in list(filled.store.cards())[:6]:
        filled.store.append("approve", card.example.id, at=1.0)
    return filled


async def test_nothing_approved_teaches(filled: Workspace) -> None:
    async with opened_app(filled, LARGE, stage="dataset") as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: "no example is approved yet" in text_of(screen.numbers))
        assert "undecided" in text_of(screen.numbers)
        await pilot.press("z")
        await wait_until(pilot, lambda: "2 goes to Curate" in screen.status_line.text)
        await pilot.press("x")
        await wait_until(pilot, lambda: "z freezes one" in screen.status_line.text)
        await pilot.press("t")
        await wait_until(pilot, lambda: "no example is approved" in screen.status_line.text)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_numbers_of_what_would_be_frozen(approved: Workspace, size: tuple[int, int]) -> None:
    async with opened_app(approved, size, stage="dataset") as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: "to train on" in screen.numbers.text)
        assert "Tokens are not counted" in screen.numbers.text
        assert "By kind" in screen.numbers.text
        assert "#work" in screen.numbers.text
        await press_all(pilot, "pagedown pagedown pageup tab")
        await wait_until(pilot, lambda: "6 approved" in text_of(screen))


async def test_freeze_and_export(approved: Workspace, tmp_path: Path) -> None:
    async with opened_app(approved, SMALL, stage="dataset") as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: "to train on" in screen.numbers.text)
        await pilot.press("z")
        await wait_until(pilot, lambda: isinstance(app.screen, FreezeDialog))
        await press_all(pilot, "n o t e s enter")
        await wait_until(pilot, lambda: "froze notes" in screen.status_line.text)
        folder = approved.datasets_dir / "notes"
        assert {path.name for path in folder.iterdir()} >= {"train.jsonl", "manifest.json"}
        await wait_until(pilot, lambda: screen.rows.dataset is not None)

        await pilot.press("z")
        await wait_until(pilot, lambda: isinstance(app.screen, FreezeDialog))
        await pilot.press("enter")
        await wait_until(pilot, lambda: "very dataset already" in screen.status_line.text)

        await pilot.press("x")
        await wait_until(pilot, lambda: isinstance(app.screen, ExportDialog))
        dialog = app.screen
        assert isinstance(dialog, ExportDialog)
        await pilot.press("down")
        await wait_until(pilot, lambda: dialog.field.value.endswith("notes-instruction.jsonl"))
        out = tmp_path / "out.jsonl"
        dialog.field.value = str(out)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "wrote 6 rows" in screen.status_line.text)
        rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
        assert len(rows) == 6
        assert set(rows[0]) == {"prompt", "completion"}

        await pilot.press("x")
        await wait_until(pilot, lambda: isinstance(app.screen, ExportDialog))
        again = app.screen
        assert isinstance(again, ExportDialog)
        again.field.value = str(out)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "is there already" in screen.status_line.text)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("held-out", "2", "out of range"),
        ("held-out", "a lot", "is not a number"),
        ("seed", "-1", "out of range"),
        ("longest", "3", "out of range"),
    ],
)
async def test_answers_that_can_not_be_read_are_refused(
    approved: Workspace, field: str, value: str, words: str
) -> None:
    async with opened_app(approved, SMALL, stage="dataset") as (app, pilot):
        await wait_until(pilot, lambda: "to train on" in screen_of(app).numbers.text)
        await pilot.press("z")
        await wait_until(pilot, lambda: isinstance(app.screen, FreezeDialog))
        dialog = app.screen
        assert isinstance(dialog, FreezeDialog)
        dialog.query_one(f"#freeze-{field}", Field).value = value
        await pilot.press("enter")
        await wait_until(pilot, lambda: words in dialog.status_line.text)
        assert not approved.datasets_dir.exists()


async def test_a_bad_name_or_base_is_a_named_error(approved: Workspace) -> None:
    async with opened_app(approved, SMALL, stage="dataset") as (app, pilot):
        screen = screen_of(app)
        for field, value, words in (
            ("name", "../up", "can't be a dataset's name"),
            ("base", "no-such-base", "no-such-base"),
        ):
            await wait_until(pilot, lambda: "to train on" in screen.numbers.text)
            await pilot.press("z")
            await wait_until(pilot, lambda: isinstance(app.screen, FreezeDialog))
            app.screen.query_one(f"#freeze-{field}", Field).value = value
            await pilot.press("enter")
            await wait_until(
                pilot,
                lambda words=words: words in screen.status_line.text,  # type: ignore[misc]
            )


async def test_what_the_gate_refuses_opens_in_curate(approved: Workspace) -> None:
    bad = list(approved.store.cards())[2].example.id
    turns = (Turn("user", "What?"), Turn("assistant", "A broken \ud800 one."))
    approved.store.append("edit", bad, turns=turns, at=2.0)
    async with opened_app(approved, LARGE, stage="dataset") as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: "refused by the gate" in text_of(screen.rows))
        assert "not-unicode" in text_of(screen.rows)
        assert "the gate refuses 1 approved example" in screen.numbers.text
        await press_all(pilot, "j enter")
        await wait_until(pilot, lambda: stage_name(app) == "curate")
        curate = app.stage
        assert isinstance(curate, CurateScreen)
        await wait_until(pilot, lambda: "A broken \\ud800 one." in text_of(curate.card))
        await pilot.press("3")
        await wait_until(pilot, lambda: stage_name(app) == "dataset")
        await pilot.press("z")
        await wait_until(pilot, lambda: isinstance(app.screen, FreezeDialog))
        await pilot.press("enter")
        await wait_until(pilot, lambda: "can't be trained on" in screen.status_line.text)
        await pilot.press("z")
        await wait_until(pilot, lambda: isinstance(app.screen, FreezeDialog))
        from tui.widgets.choice import Choice

        app.screen.query_one("#freeze-drop", Choice).value = "yes"
        await pilot.press("enter")
        await wait_until(pilot, lambda: "froze d1" in screen.status_line.text)


async def test_tokens_need_a_base(approved: Workspace) -> None:
    async with opened_app(approved, SMALL, stage="dataset") as (app, pilot):
        await wait_until(pilot, lambda: "to train on" in screen_of(app).numbers.text)
        # What is typed behind it is the dialog's: no export, no freeze, no measuring.
        await press_all(pilot, "t x z l")
        dialog = app.screen
        assert isinstance(dialog, TokensDialog)
        await wait_until(pilot, lambda: "finetui bases add" in dialog.pane.text)
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is screen_of(app))


async def test_a_freeze_opens_before_anything_is_counted(approved: Workspace) -> None:
    async with opened_app(approved, SMALL, stage="dataset") as (app, pilot):
        await press_all(pilot, "z n o t e s")
        dialog = app.screen
        assert isinstance(dialog, FreezeDialog)
        await wait_until(pilot, lambda: "6 approved" in text_of(dialog))
        assert dialog.query_one("#freeze-name", Field).value == "notes"
        # Tokens of a base that is not installed can't be checked.
        assert dialog.query_one("#freeze-base", Field).value == ""


async def test_after_a_freeze_the_dataset_is_shown_until_something_changes(
    approved: Workspace,
) -> None:
    async with opened_app(approved, LARGE, stage="dataset") as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: "to train on" in screen.numbers.text)
        assert "What a freeze would take now" in text_of(screen)
        await press_all(pilot, "z enter")
        await wait_until(pilot, lambda: "froze d1" in screen.status_line.text)
        await wait_until(pilot, lambda: screen.rows.dataset is not None)
        await press_all(pilot, "k")
        await wait_until(pilot, lambda: "d1 · nothing changed since" in text_of(screen.numbers))
        assert "What a freeze would take now" not in text_of(screen)
        assert "frozen as d1" in text_of(screen.rows)
        # Export takes the dataset that is shown, into the workspace.
        await pilot.press("x")
        dialog = app.screen
        assert isinstance(dialog, ExportDialog)
        assert dialog.field.value.endswith("/exports/d1-chat.jsonl")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "wrote 6 rows" in screen.status_line.text)
        assert (approved.exports_dir / "d1-chat.jsonl").is_file()
        approved.store.append("reject", next(approved.store.cards()).example.id, at=2.0)
        await press_all(pilot, "1 3")
        await wait_until(pilot, lambda: "What a freeze would take now" in text_of(screen.numbers))
        assert "frozen as d1" not in text_of(screen.rows)


async def test_what_is_measured_by_itself_takes_the_place_of_no_message(
    approved: Workspace,
) -> None:
    async with opened_app(approved, SMALL, stage="dataset") as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: "to train on" in screen.numbers.text)
        screen.say("")
        screen.post_message(Progressed("checking", 3, 9))
        await wait_until(pilot, lambda: screen.status_line.text == "checking: 3 of 9")
        screen.post_message(Progressed("freezing", 4, 9))
        await wait_until(pilot, lambda: screen.status_line.text == "freezing: 4 of 9")
        screen.say("froze d1", kind="done")
        screen.post_message(Progressed("checking", 5, 9))
        screen.post_message(Progressed("counting", 5, 9))
        await pilot.pause()
        assert screen.status_line.text == "froze d1"
        # A part's own progress arrives as well.
        screen.say("")
        screen.numbers.post_message(Progressed("counting", 6, 9))
        await wait_until(pilot, lambda: screen.status_line.text == "counting: 6 of 9")


async def test_keys_that_can_not_work_are_not_offered(filled: Workspace) -> None:
    async with opened_app(filled, LARGE, stage="dataset") as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: "no example is approved" in screen.numbers.text)
        await wait_until(pilot, lambda: "z freeze" not in text_of(screen.cheat_line))
        for key in ("x export", "t tokens", "l leaks"):
            assert key not in text_of(screen.cheat_line)
        filled.store.append("approve", next(filled.store.cards()).example.id, at=1.0)
        await press_all(pilot, "1 3")
        await wait_until(pilot, lambda: "z freeze" in text_of(screen.cheat_line))
        assert "x export" not in text_of(screen.cheat_line)


async def test_token_preview(approved: Workspace, tiny_model_dir: Path) -> None:
    settings = settings_of({"training": {"base": str(tiny_model_dir)}})
    workspace = Workspace(approved.root, settings, approved.store)
    async with opened_app(workspace, LARGE, stage="dataset") as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: "Tokens a row" in screen.numbers.text)
        await pilot.press("t")
        await wait_until(pilot, lambda: isinstance(app.screen, TokensDialog))
        dialog = app.screen
        assert isinstance(dialog, TokensDialog)
        await wait_until(pilot, lambda: "<|im_start|>" in dialog.pane.text)
        shown = text_of(dialog)
        assert "row 1 of 6" in shown
        assert " trained" in shown
        block = dialog.pane._blocks[0].content
        marked = {str(span.style): block.plain[span.start : span.end] for span in block.spans}
        trained = next(text for style, text in marked.items() if "success" in style)
        assert trained.startswith("I said no")
        assert trained.endswith("<|im_end|>")
        await press_all(pilot, "n n p j pagedown")
        await wait_until(pilot, lambda: "row 2 of 6" in text_of(dialog))


async def test_a_flag_opens_its_examples_in_curate(approved: Workspace) -> None:
    flag_some(approved.store)
    link_some(approved.store)
    async with opened_app(approved, LARGE, stage="dataset") as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: "flagged" in text_of(screen.rows))
        assert "1 approved of 1" in text_of(screen.rows)
        assert "!! secret" in screen.numbers.text
        assert "clusters in the workspace" in screen.numbers.text
        assert "By quality" in screen.numbers.text
        assert "By language" in screen.numbers.text
        # From "now" over the heading to the secrets, and on to the personal data.
        await press_all(pilot, "j j enter")
        await wait_until(pilot, lambda: stage_name(app) == "curate")
        curate = app.stage
        assert isinstance(curate, CurateScreen)
        await wait_until(pilot, lambda: curate.queue.count == 1)
        assert "! personal" in curate.status_line.text


async def test_what_truncation_costs_opens_each_example(
    approved: Workspace, tiny_model_dir: Path
) -> None:
    values = {"training": {"base": str(tiny_model_dir)}, "check": {"max_length": 40}}
    workspace = Workspace(approved.root, settings_of(values), approved.store)
    async with opened_app(workspace, LARGE, stage="dataset") as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: "cut off at 40 tokens" in text_of(screen.rows))
        assert "At most 40 tokens a row" in screen.numbers.text
        assert "of them trained" in text_of(screen.rows)
        await pilot.press("j")
        line = screen.rows.line
        assert line is not None
        await pilot.press("enter")
        await wait_until(pilot, lambda: stage_name(app) == "curate")
        curate = app.stage
        assert isinstance(curate, CurateScreen)
        await wait_until(pilot, lambda: curate.card.card is not None)
        assert curate.card.card is not None
        assert curate.card.card.example.id == line.opens


async def test_the_answers_of_the_freeze_reach_the_engine(approved: Workspace) -> None:
    from tui.widgets.choice import Choice

    flag_some(approved.store)
    async with opened_app(approved, SMALL, stage="dataset") as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: "to train on" in screen.numbers.text)
        await pilot.press("z")
        await wait_until(pilot, lambda: isinstance(app.screen, FreezeDialog))
        dialog = app.screen
        dialog.query_one("#freeze-quality", Field).value = "0.5"
        await pilot.press("enter")
        # One of the six was never checked.
        await wait_until(pilot, lambda: "never checked" in screen.status_line.text)
        await pilot.press("z")
        await wait_until(pilot, lambda: isinstance(app.screen, FreezeDialog))
        dialog = app.screen
        dialog.query_one("#freeze-test", Field).value = "0.2"
        dialog.query_one("#freeze-shortest", Field).value = "20"
        dialog.query_one("#freeze-near", Choice).value = "no"
        await pilot.press("enter")
        await wait_until(pilot, lambda: "froze d1" in screen.status_line.text)
    manifest = json.loads((approved.datasets_dir / "d1" / "manifest.json").read_text("utf-8"))
    assert "test.jsonl" in manifest["files"]
    assert manifest["counts"]["left_out"] == {"min_length": 0}


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_export_of_every_format_and_container(
    approved: Workspace, tmp_path: Path, size: tuple[int, int]
) -> None:
    from engine.dataset import FORMATS

    async with opened_app(approved, size, stage="dataset") as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: "to train on" in screen.numbers.text)
        await press_all(pilot, "z")
        await wait_until(pilot, lambda: isinstance(app.screen, FreezeDialog))
        await pilot.press("enter")
        await wait_until(pilot, lambda: "froze d1" in screen.status_line.text)
        await pilot.press("x")
        await wait_until(pilot, lambda: isinstance(app.screen, ExportDialog))
        dialog = app.screen
        assert isinstance(dialog, ExportDialog)
        for name in FORMATS:
            assert name in text_of(dialog.rows)
        assert "system prompt" in text_of(dialog)
        # OpenAI's format is read from one container alone, and has no place for metadata.
        dialog.metadata.value = "yes"
        dialog.container.value = "parquet"
        await wait_until(pilot, lambda: dialog.field.value.endswith("d1-chat.parquet"))
        dialog.rows.move_to(list(FORMATS).index("openai"))
        await wait_until(pilot, lambda: dialog.field.value.endswith("d1-openai.jsonl"))
        assert (dialog.container.value, dialog.metadata.value) == ("jsonl", "no")
        dialog.rows.move_to(0)
        dialog.container.value = "parquet"
        dialog.metadata.value = "yes"
        await wait_until(pilot, lambda: dialog.field.value.endswith("d1-chat.parquet"))
        out = tmp_path / f"out-{size[0]}.parquet"
        dialog.field.value = str(out)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "wrote 6 rows" in screen.status_line.text, seconds=60)
        assert out.read_bytes()[:4] == b"PAR1"
