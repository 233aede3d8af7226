"""Add a source by its place: completed as it is typed, its kind detected while you look."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, getters, on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.suggester import Suggester
from textual.timer import Timer
from textual.widgets import Input

from engine.errors import FinetuiError, SourceMissing, UsageError
from tui.actions import bindings
from tui.bridge.reading import (
    Stopped,
    certain,
    completions,
    elsewhere,
    kept,
    look_at,
    look_for,
    placed,
    wants_token,
)
from tui.bridge.threads import Cancel, off_loop, progress_to
from tui.messages import Progressed
from tui.screens.modals.dialog import Dialog
from tui.screens.modals.setup import HIGH_ROWS, SetupDialog
from tui.screens.source_form import Added
from tui.screens.stage import WIDE_COLUMNS
from tui.widgets.field import Field
from tui.widgets.preview import ambiguous_blocks, detection_blocks, look_blocks, setting_blocks
from tui.widgets.rows import FixedRows, RowList
from tui.widgets.textpane import Block, TextPane, text
from tui.widgets.words import fit, one_line

if TYPE_CHECKING:
    from engine.sources import Detection

QUIET_SECONDS = 0.3
"""How long the keys must rest before a place is looked at."""

PROPOSALS = 200


def shared_beginning(paths: Sequence[str]) -> str:
    """Return what all paths begin with, character by character."""
    if not paths:
        return ""
    low, high = min(paths), max(paths)
    same = 0
    while same < min(len(low), len(high)) and low[same] == high[same]:
        same += 1
    return low[:same]


def _too_broad(path: Path) -> bool:
    """Return whether a path is the home folder or above it: nobody means to read all that."""
    whole = path.expanduser().absolute()
    home = Path.home()
    return whole == home or whole in home.parents


class PathSuggester(Suggester):
    """Proposes the first path that what is typed can become; the right arrow takes it."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first completion, or None."""
        found = await off_loop(completions, value, 1) if value else []
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found at a place; ``found`` is empty where no kind recognises it."""

    typed: str
    place: str
    found: tuple[Detection, ...]

    @property
    def sure(self) -> Detection | None:
        """What it is, or None where a person has to say."""
        return certain(self.place, self.found) if self.found else None


class AddDialog(Dialog[Added]):
    """Returns the place, the kind to read it as, and what is set about it.

    Args:
        start: What the field starts with.
    """

    HEADING = "Add a source"
    GROUP = "add"
    OK = "add and scan"
    BINDINGS = bindings("add")
    AUTO_FOCUS = "Field"

    field = getters.query_one("#add-path", Field)
    proposals = getters.query_one("#add-proposals", FixedRows)
    look = getters.query_one("#add-look", TextPane)

    def __init__(self, start: str = "~/") -> None:
        super().__init__()
        self._start = start
        self._paths: list[str] = []
        self._timer: Timer | None = None
        self._cancel = Cancel()
        self._seen: Seen | None = None

    def compose_box(self) -> ComposeResult:
        """The field, what it can become, and what is there."""
        field = Field(self._start, placeholder="a folder, a file or an address", id="add-path")
        field.suggester = PathSuggester()
        yield field
        yield FixedRows(id="add-proposals")
        yield TextPane(id="add-look")

    def on_mount(self) -> None:
        """Start with what can be named from here."""
        self.field.cursor_position = len(self._start)
        self._propose(self._start)
        self.look.show(_WHAT_CAN_BE_TYPED)

    def on_unmount(self) -> None:
        """End a look that still runs."""
        self._cancel.set()

    def on_resize(self, event: events.Resize) -> None:
        """Take the whole terminal where it is small."""
        small = event.size.width < WIDE_COLUMNS or event.size.height < HIGH_ROWS
        self.set_class(small, "-whole")

    # -- while it is typed ------------------------------------------------------------

    @on(Input.Changed, "#add-path")
    def _changed(self, event: Input.Changed) -> None:
        # A whole path that was typed behind what the field starts with.
        if event.value.startswith(("~/~/", "~//")):
            with self.prevent(Input.Changed):
                self.field.value = event.value[2:]
            self.field.cursor_position = len(self.field.value)
        self._cancel.set()
        self._seen = None
        if self._timer is not None:
            self._timer.stop()
        self._propose(self.field.value)
        self._timer = self.set_timer(QUIET_SECONDS, self._look_now)

    @work(group="propose", exclusive=True, exit_on_error=False)
    async def _propose(self, typed: str) -> None:
        self._paths = await off_loop(completions, typed, PROPOSALS)
        self.proposals.show(
            [[(fit(one_line(os.path.basename(path.rstrip("/"))), 40), "row"),
              ("folder" if path.endswith("/") else "", "muted")] for path in self._paths]
        )  # fmt: skip
        self.proposals.move_to(0)

    def _look_now(self, whole: bool = False) -> None:
        self._cancel.set()
        self._cancel = Cancel()
        self._look_at(self.field.value.strip(), self._cancel, whole)

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look_at(self, typed: str, cancel: Cancel, whole: bool) -> None:
        if not typed or _too_broad(Path(typed)):
            self.look.show(_WHAT_CAN_BE_TYPED)
            self.say("")
            return
        self.say("looking …", kind="busy")
        try:
            seen = await self._look_for(typed, cancel)
            if seen.sure is None:
                self.look.show(ambiguous_blocks(seen.found, "enter asks which"))
                self.say("")
                return
            await self._preview(seen, seen.sure, cancel, whole)
        except Stopped:
            return
        except FinetuiError as error:
            self.look.show([])
            # Half a path is no mistake yet; enter says what is wrong with a whole one.
            half = isinstance(error, SourceMissing)
            self.say("" if half else error.message, hint="" if half else error.hint)

    async def _look_for(self, typed: str, cancel: Cancel) -> Seen:
        """Return what is at a place; raises what the engine raises, or Stopped."""
        if self._seen is not None and self._seen.typed == typed:
            return self._seen
        place = await off_loop(placed, typed)
        found = await off_loop(look_for, place, cancelled=cancel)
        if cancel():
            raise Stopped
        self._seen = Seen(typed, place, found)
        return self._seen

    async def _preview(self, seen: Seen, best: Detection, cancel: Cancel, whole: bool) -> None:
        others = [one for one in seen.found if one is not best]
        head = [*detection_blocks(best, others), *setting_blocks(best.options)]
        self.look.show(head)
        if elsewhere(seen.place) and not whole:
            self.say("nothing was asked there yet", hint="ctrl+o sets how it is read")
            return
        watch = progress_to(self, lambda done, total: Progressed("reading", done, total, True))
        look = await off_loop(
            look_at,
            seen.place,
            best.kind,
            {},
            whole=whole,
            progress=watch,
            cancelled=cancel,
            secrets=self.app.tokens.of(seen.place),
        )
        if not cancel():
            more = "ctrl+r reads all of it"
            self.look.show(
                [*head, *look_blocks(look, more=more, ask="ctrl+o, then sections in take")],
                top=False,
            )
            self.say("")

    # -- keys -------------------------------------------------------------------------

    @on(RowList.Chosen, "#add-proposals")
    def _clicked(self) -> None:
        self.action_complete()

    def action_complete(self) -> None:
        """Take the proposal under the cursor, or first what all of them share."""
        if not self._paths:
            self.say("nothing here begins like that")
            return
        typed = self.field.value
        shared = shared_beginning(self._paths)
        at = self.proposals.cursor
        self.field.value = shared if at == 0 and len(shared) > len(typed) else self._paths[at]
        self.field.cursor_position = len(self.field.value)

    def action_down(self) -> None:
        """Next proposal."""
        self.proposals.move(1)

    def action_up(self) -> None:
        """Previous proposal."""
        self.proposals.move(-1)

    def action_scroll_down(self) -> None:
        """Scroll what is there down."""
        self.look.pages_down(1)

    def action_scroll_up(self) -> None:
        """Scroll it up."""
        self.look.pages_down(-1)

    def action_look(self) -> None:
        """Read the whole place."""
        self._look_now(whole=True)

    def action_setup(self) -> None:
        """Choose the kind, and set how the source is read."""
        typed = self._typed()
        self._rest()
        seen = self._seen if self._seen is not None and self._seen.typed == typed else None
        self._ask_how(seen.place if seen is not None else typed, seen)

    def action_accept(self) -> None:
        """Give back what is there, once it is sure; else ask."""
        self._settle(self._typed())

    def _typed(self) -> str:
        """Return what was typed.

        Raises:
            UsageError: It is nothing, or more than anybody means.
        """
        typed = self.field.value.strip()
        if not typed:
            raise UsageError("type the path of a folder or a file, or an address")
        if _too_broad(Path(typed)):
            raise UsageError("that is a whole home folder, or more", hint="name a folder in it")
        return typed

    @work(group="accept", exclusive=False, exit_on_error=False)
    async def _settle(self, typed: str) -> None:
        """Give back what is there if that is sure; else ask. Keys are held meanwhile."""
        self._rest()
        self.say("looking …", kind="busy")
        try:
            seen = await self._look_for(typed, self._cancel)
        except Stopped:
            return
        self.say("")
        best = seen.sure
        token = best is not None and await off_loop(wants_token, seen.place, best.kind)
        if best is not None and not token:
            self.dismiss(Added(seen.place, best.kind, kept(best.kind, best, {})))
        else:
            self._ask_how(seen.place, seen)

    def _ask_how(self, place: str, seen: Seen | None) -> None:
        best = seen.sure if seen is not None else None
        found = seen.found if seen is not None else None
        setup = SetupDialog(place, found, kind=best.kind if best is not None else "", chosen={})
        self.app.ask(setup, self.dismiss)

    def _rest(self) -> None:
        """End looks that are under way or about to begin."""
        if self._timer is not None:
            self._timer.stop()
        self._cancel.set()
        self._cancel = Cancel()


def _line(typed: str, what: str) -> Block:
    return Block(Content.assemble((f"{typed:<16}", "$text-accent"), (what, "$text-muted")))


_WHAT_CAN_BE_TYPED = [
    Block(text("What can be typed:", "bold")),
    _line("~/notes", "a folder of notes, as of Obsidian or Logseq"),
    _line("~/export.zip", "saved chats, as downloaded; or a folder of them"),
    _line("~/data.jsonl", "instructions: JSON, JSONL, CSV, Parquet, a folder"),
    _line("~/chroma_db", "a semantic cache, as Chroma keeps it"),
    _line("https://…", "an app's memory, by its export; or a file of it"),
    _line("hub:owner/name", "a data set of the Hugging Face hub"),
    _line("identity", "templates for synthetic data, which come with finetui"),
]
