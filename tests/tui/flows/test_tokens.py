"""Which tokens of a card are trained: the dialog on Curate and Dataset, by keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.workspace import Workspace
from tests.support.tiny_base import make_tiny_base
from tests.tui.support import LARGE, SMALL, opened_app, press_all, settings_of, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.curate import CurateScreen
from tui.screens.modals.tokens import TokensDialog


@pytest.fixture
def with_base(filled: Workspace, tmp_path: Path) -> Workspace:
    """Return a workspace whose settings name a base that is there, and a short max length."""
    base = make_tiny_base(tmp_path / "base")
    settings = settings_of(
        {
            "training": {"base": str(base)},
            "check": {"max_length": 100},
            "dataset": {"system_prompt": "Be brief."},
        }
    )
    return Workspace(filled.root, settings, filled.store)


def dialog_of(app: FinetuiApp) -> TokensDialog:
    """Return the dialog in front."""
    assert isinstance(app.screen, TokensDialog)
    return app.screen


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_tokens_of_a_card_that_is_not_decided(
    with_base: Workspace, size: tuple[int, int]
) -> None:
    async with opened_app(with_base, size, stage="curate") as (app, pilot):
        await pilot.press("t")
        await wait_until(pilot, lambda: isinstance(app.screen, TokensDialog))
        dialog = dialog_of(app)
        await wait_until(pilot, lambda: "<|im_start|>system" in dialog.pane.text)
        assert "Be brief." in dialog.pane.text
        shown = text_of(dialog)
        assert "100 tokens · " in shown
        assert "cut off" in shown
        assert "max length 100 tokens" in shown

        await pilot.press("v")
        await wait_until(pilot, lambda: "3 assistant" in dialog.pane.text)
        assert "1 system" in text_of(dialog)
        assert "would be lost" in dialog.pane.text
        await pilot.press("v")
        await wait_until(pilot, lambda: "'<|im_start|>'" in dialog.pane.text)
        lines = dialog.pane.text.splitlines()
        assert lines[1].split() == ["1", "1", "masked", "1", "'<|im_start|>'"]
        assert lines[101].split()[2] == "cut"

        await pilot.press("l")
        await wait_until(pilot, lambda: "max length 512 tokens" in text_of(dialog))
        assert "cut off at" not in text_of(dialog)
        await press_all(pilot, "l l l l l")
        await wait_until(pilot, lambda: "no max length" in text_of(dialog))
        await press_all(pilot, "v n p j k pagedown escape")
        await wait_until(pilot, lambda: isinstance(app.screen, CurateScreen))


async def test_a_card_whose_question_fills_the_row(with_base: Workspace) -> None:
    check = replace(with_base.settings.check, max_length=16)
    short = replace(with_base.settings, check=check)
    workspace = Workspace(with_base.root, short, with_base.store)
    async with opened_app(workspace, SMALL, stage="curate") as (app, pilot):
        await pilot.press("t")
        await wait_until(pilot, lambda: isinstance(app.screen, TokensDialog))
        await wait_until(pilot, lambda: "no token would be trained" in text_of(app.screen))


async def test_tokens_need_a_base(filled: Workspace) -> None:
    async with opened_app(filled, SMALL, stage="curate") as (app, pilot):
        await pilot.press("t")
        dialog = dialog_of(app)
        await wait_until(pilot, lambda: "not on this machine" in dialog.pane.text)
        assert "finetui bases add" in dialog.pane.text
        assert "view" not in text_of(dialog.cheat_line)
        await press_all(pilot, "v l n escape")
        assert app.screen is app.stage
