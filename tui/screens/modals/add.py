"""Add a source by its path: completed as it is typed, its kind detected while you look."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import getters, on, work
from textual.app import ComposeResult
from textual.suggester import Suggester
from textual.timer import Timer
from textual.widgets import Input

from engine.errors import FinetuiError, SourceMissing
from tui.actions import bindings
from tui.bridge.reading import completions, look_at, recognise
from tui.bridge.threads import Cancel, off_loop, progress_to
from tui.messages import Progressed
from tui.screens.modals.dialog import Dialog
from tui.widgets.field import Field
from tui.widgets.preview import example_blocks, summary_blocks
from tui.widgets.rows import FixedRows, RowList
from tui.widgets.textpane import BLANK, Block, TextPane, text
from tui.widgets.words import fit, one_line

if TYPE_CHECKING:
    from engine.extract.scan import Preview
    from engine.sources import Detection  # noqa: F401 (in the class's base, as a string)

QUIET_SECONDS = 0.3
"""How long the keys must rest before a path is looked into."""

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


class AddDialog(Dialog["tuple[Path, Detection]"]):
    """Returns the path and what it was detected to be.

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

    def compose_box(self) -> ComposeResult:
        """The field, what it can become, and what is there."""
        field = Field(self._start, placeholder="a folder or a file", id="add-path")
        field.suggester = PathSuggester()
        yield field
        yield FixedRows(id="add-proposals")
        yield TextPane(id="add-look")

    def on_mount(self) -> None:
        """Start with what can be named from here."""
        self.field.cursor_position = len(self._start)
        self._propose(self._start)

    def on_unmount(self) -> None:
        """End a look that still runs."""
        self._cancel.set()

    @on(Input.Changed, "#add-path")
    def _changed(self, event: Input.Changed) -> None:
        self._cancel.set()
        if self._timer is not None:
            self._timer.stop()
        self._propose(event.value)
        self._timer = self.set_timer(QUIET_SECONDS, self._look_now)

    @work(group="propose", exclusive=True, exit_on_error=False)
    async def _propose(self, typed: str) -> None:
        self._paths = await off_loop(completions, typed, PROPOSALS)
        self.proposals.show(
            [[(fit(one_line(os.path.basename(path.rstrip("/"))), 40), "row"),
              ("folder" if path.endswith("/") else "", "muted")] for path in self._paths]
        )  # fmt: skip
        self.proposals.move_to(0)

    def _look_now(self) -> None:
        self._cancel = Cancel()
        self._look_at(self.field.value.strip(), self._cancel)

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look_at(self, typed: str, cancel: Cancel) -> None:
        path = Path(typed)
        if not typed or await off_loop(_too_broad, path):
            self.look.show([])
            self.say("")
            return
        self.say("looking …", kind="busy")
        watch = progress_to(self, lambda done, total: Progressed("looking", done, total))
        try:
            seen = await off_loop(look_at, path, examples=3, progress=watch, cancelled=cancel)
        except FinetuiError as error:
            self.look.show([])
            # Half a path is no mistake yet; enter says what is wrong with a whole one.
            half = isinstance(error, SourceMissing)
            self.say("" if half else error.message, hint="" if half else error.hint)
            return
        if not cancel():
            self.say("")
            self._show(seen)

    def _show(self, seen: Preview) -> None:
        found = seen.detection
        sure = "confident" if found.confidence >= 0.7 else "perhaps"
        head = text(f"{found.kind} · {sure} ({one_line(found.why)})", "bold $text-success")
        self.look.show(
            [
                Block(head),
                *summary_blocks(
                    kind=found.kind,
                    documents=seen.documents,
                    examples=sum(seen.examples_by_kind.values()),
                    kinds=seen.examples_by_kind,
                    skipped=seen.skipped_by_code,
                ),
                BLANK,
                *example_blocks(example.turns for example in seen.first),
            ]
        )

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
        """Proposal before."""
        self.proposals.move(-1)

    def action_scroll_look(self, pages: int) -> None:
        """Scroll what is there."""
        self.look.pages_down(pages)

    def action_accept(self) -> None:
        """Detect the kind and give path and kind back."""
        self._accept(self.field.value.strip())

    @work(group="accept-path", exclusive=True, exit_on_error=False)
    async def _accept(self, typed: str) -> None:
        if not typed:
            self.say("type the path of a folder or a file", kind="error")
            return
        self._cancel.set()
        self.dismiss(await off_loop(recognise, Path(typed)))
