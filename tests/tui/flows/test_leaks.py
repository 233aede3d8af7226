"""The leak meter by key: real embeddings, in a child process."""

from __future__ import annotations

import pytest

from engine.models import Turn
from engine.workspace import Workspace
from tests.tui.support import LARGE, opened_app, press_all, stage_name, text_of, wait_until
from tui.screens.dataset import DatasetScreen


@pytest.mark.nightly
async def test_the_leak_meter_of_what_would_be_frozen(filled: Workspace) -> None:
    cards = list(filled.store.cards())
    for card in cards:
        # A few words, so that the answers join no rows: what leaks is what is asked.
        turns = (card.turns[0], Turn("assistant", "Yes."))
        filled.store.append("edit", card.example.id, turns=turns, at=1.0)
        filled.store.append("approve", card.example.id, at=1.0)
    async with opened_app(filled, LARGE, stage="dataset") as (app, pilot):
        screen = app.stage
        assert isinstance(screen, DatasetScreen)
        await wait_until(pilot, lambda: "to train on" in screen.numbers.text)
        assert "Leak meter" not in screen.numbers.text
        await pilot.press("l")
        await wait_until(pilot, lambda: "near what is trained on" in screen.status_line.text
                         and "held-out row" in screen.status_line.text, seconds=300)  # fmt: skip
        assert "Leak meter" in screen.numbers.text
        assert "validation: nearest to what is trained on" in text_of(screen.rows)
        await press_all(pilot, "j j enter")
        await wait_until(pilot, lambda: stage_name(app) == "curate")


async def test_there_is_no_split_to_measure(filled: Workspace) -> None:
    async with opened_app(filled, LARGE, stage="dataset") as (app, pilot):
        screen = app.stage
        assert isinstance(screen, DatasetScreen)
        await wait_until(pilot, lambda: "no example is approved" in screen.numbers.text)
        await pilot.press("l")
        await wait_until(pilot, lambda: "no split to measure" in screen.status_line.text)
