"""A field with a list of values: arrows, clicks and letters."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from tui.widgets.choice import Choice

VALUES = ("linear", "cosine", "constant_with_warmup", "Yes", "64")


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.unheard: list[str] = []

    def compose(self) -> ComposeResult:
        yield Choice(VALUES, "linear")

    def on_mount(self) -> None:
        self.query_one(Choice).focus()

    def on_choice_changed(self, event: Choice.Changed) -> None:
        self.told.append(event.value)

    def on_key(self, event: object) -> None:
        self.unheard.append(str(getattr(event, "key", "")))


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["c"], "cosine"),
        (["c", "o", "n"], "constant_with_warmup"),
        (["c", "c"], "constant_with_warmup"),
        (["y"], "Yes"),
        (["6", "4"], "64"),
        (["l"], "linear"),
        (["c", "l"], "linear"),
    ],
)
async def test_letters_go_to_the_value_that_begins_so(keys: list[str], value: str) -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press(*keys)
        assert app.query_one(Choice).value == value
        assert app.unheard == []


async def test_a_letter_that_no_value_begins_with_is_left_to_others() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("q", "space", "left")
        assert app.query_one(Choice).value == "linear"
        assert app.unheard == ["q", "space", "left"]
        assert app.told == []
