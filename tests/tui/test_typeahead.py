"""Keys typed ahead: each reaches what its predecessors have opened, however slowly it opens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar

from textual import events, work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tests.tui.support import wait_until
from tui.typeahead import KeyPassed, TypeAhead


class Box(ModalScreen[str]):
    """A dialog with a field; enter in it closes the box a while later, escape at once."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "cancel")]

    def __init__(self, *, slow: bool = False, loads: bool = False) -> None:
        super().__init__()
        self.slow = slow
        self.loads = loads
        self.closing = False
        self.release = asyncio.Event()

    @property
    def holds_keys(self) -> bool:
        """Whether it loads, or is about to close."""
        return self.closing or (self.loads and not self.release.is_set())

    def compose(self) -> ComposeResult:
        yield Input()

    async def on_mount(self) -> None:
        if self.slow:
            await asyncio.sleep(0.2)

    @work
    async def on_input_submitted(self, event: Input.Submitted) -> None:
        self.closing = True
        await asyncio.sleep(0.1)
        self.dismiss(event.value)

    def action_cancel(self) -> None:
        self.dismiss(None)


class Desk(App[None]):
    """An app that writes down what reached it."""

    BINDINGS: ClassVar[list[BindingType]] = [("slash", "open"), ("a", "decide"), ("2", "go")]

    def __init__(self, box: Callable[[], Box]) -> None:
        super().__init__()
        self.make = box
        self.reached: list[str] = []
        self.typed = TypeAhead(self, super().on_event)

    def compose(self) -> ComposeResult:
        yield Static("desk")

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded:
            await self.typed.take(event)
        else:
            await super().on_event(event)

    async def on_key_passed(self, event: KeyPassed) -> None:
        await self.typed.passed(event.number)

    def action_open(self) -> None:
        self.push_screen(self.make(), lambda text: self.reached.append(f"closed {text}"))

    def action_decide(self) -> None:
        self.reached.append("decided")

    def write(self, keys: Sequence[str]) -> None:
        """Let keys arrive at once, as in one packet."""
        for key in keys:
            self.post_message(events.Key(key, key if len(key) == 1 else None))


@asynccontextmanager
async def desk(box: Callable[[], Box] = Box) -> AsyncIterator[tuple[Desk, Pilot[None]]]:
    app = Desk(box)
    async with app.run_test() as pilot:
        yield app, pilot


def field(app: Desk) -> str:
    """Return what stands in the box's field."""
    return app.screen.query_one(Input).value if isinstance(app.screen, Box) else ""


async def test_letters_behind_the_key_that_opens_go_into_what_it_opens() -> None:
    async with desk() as (app, pilot):
        app.write(["slash", *"banana"])
        await wait_until(pilot, lambda: field(app) == "banana")
        assert app.reached == []


async def test_also_when_it_takes_long_to_open() -> None:
    async with desk(lambda: Box(slow=True)) as (app, pilot):
        app.write(["slash", *"banana"])
        await wait_until(pilot, lambda: field(app) == "banana")
        assert app.reached == []


async def test_what_is_typed_before_belongs_to_the_screen_below() -> None:
    async with desk() as (app, pilot):
        app.write(["a", "a", "slash", *"aa"])
        await wait_until(pilot, lambda: field(app) == "aa")
        assert app.reached == ["decided", "decided"]


async def test_what_is_typed_behind_enter_goes_below_when_the_box_has_closed() -> None:
    async with desk() as (app, pilot):
        app.write(["slash", *"ab", "enter", "a"])
        await wait_until(pilot, lambda: app.typed.settled and len(app.reached) == 2)
        assert app.reached == ["closed ab", "decided"]


async def test_escape_in_the_same_packet_cancels_the_box_and_not_what_is_below() -> None:
    async with desk(lambda: Box(slow=True)) as (app, pilot):
        app.write(["slash", *"ab", "escape", "a"])
        await wait_until(pilot, lambda: "decided" in app.reached)
        assert app.reached == ["closed None", "decided"]


async def test_keys_wait_while_a_screen_loads_what_they_act_on() -> None:
    async with desk(lambda: Box(loads=True)) as (app, pilot):
        app.write(["slash", *"ab"])
        await wait_until(pilot, lambda: isinstance(app.screen, Box))
        for _ in range(5):
            await pilot.pause(0.02)
            assert field(app) == ""
        box = app.screen
        assert isinstance(box, Box)
        box.release.set()
        await wait_until(pilot, lambda: field(app) == "ab")


async def test_escape_does_not_wait_and_takes_the_held_keys_along() -> None:
    async with desk(lambda: Box(loads=True)) as (app, pilot):
        app.write(["slash", *"aa"])
        await wait_until(pilot, lambda: isinstance(app.screen, Box))
        await pilot.pause(0.05)
        app.write(["escape"])
        await wait_until(pilot, lambda: not isinstance(app.screen, Box))
        app.write(["a"])
        await wait_until(pilot, lambda: "decided" in app.reached)
        assert app.reached == ["closed None", "decided"]


async def test_a_box_in_a_box() -> None:
    async with desk() as (app, pilot):
        app.write(["slash", "a", "escape", "slash", "a", "enter", "slash", "a"])
        await wait_until(pilot, lambda: field(app) == "a" and len(app.reached) == 2)
        assert app.reached == ["closed None", "closed a"]


async def test_a_paste_keeps_its_place_among_the_keys() -> None:
    async with desk() as (app, pilot):
        app.write(["slash", "a"])
        app.post_message(events.Paste("bcd"))
        app.write(["e"])
        await wait_until(pilot, lambda: field(app) == "abcde")


async def test_no_key_is_lost_of_very_many() -> None:
    async with desk() as (app, pilot):
        app.write(["a"] * 300)
        await wait_until(pilot, lambda: len(app.reached) == 300)
