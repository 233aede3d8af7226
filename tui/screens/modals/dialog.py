"""What dialogs share: a framed box, a line for what is wrong, keys, and how errors are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, TypeVar

from textual import events, getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input
from textual.worker import Worker, WorkerState

from engine.errors import WorkspaceReplaced
from tui.actions import Action, actions, bindings
from tui.host import Host, explain
from tui.keys import key_name
from tui.messages import Progressed
from tui.widgets.borders import set_border
from tui.widgets.choice import Choice
from tui.widgets.frame import (
    MIN_COLUMNS,
    MIN_ROWS,
    CheatLine,
    Kind,
    StatusLine,
    TooSmall,
    progress_words,
)
from tui.widgets.textpane import TextPane
from tui.widgets.words import one_line

T = TypeVar("T")

NARROW_COLUMNS = 100
"""Below, a box takes the whole width: beside it only pieces of the stage's borders would show."""


class Dialog(ModalScreen[T]):
    """A box over a stage.

    A subclass sets ``HEADING`` and ``GROUP`` (its group of actions), and yields
    its widgets from :meth:`compose_box`. ``escape`` dismisses with None.
    """

    HEADING: str = ""
    GROUP: ClassVar[str] = "dialog"
    ACCEPTS: ClassVar[bool] = True
    """Whether enter does what the dialog says; not where enter is typed into a text."""
    OK: str = "ok"
    """What enter does, in a word or two."""
    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    app = getters.app(Host)
    box = getters.query_one("#box", Vertical)
    status_line = getters.query_one("#box > StatusLine", StatusLine)
    cheat_line = getters.query_one("#box > CheatLine", CheatLine)

    holding = 0
    """How many loads are under way that keys have to wait for."""

    @property
    def holds_keys(self) -> bool:
        """Whether keys wait: what they would act on is loading, or the dialog is closing."""
        return self.holding > 0 or any(
            worker.group == "accept" and not worker.is_finished for worker in self.workers
        )

    @contextmanager
    def holding_keys(self) -> Iterator[None]:
        """Let keys wait while a block runs; ``escape`` cancels the dialog all the same.

        For a worker that loads what the dialog's keys act on::

            @work(group="load", exclusive=True, exit_on_error=False)
            async def load(self) -> None:
                with self.holding_keys():
                    self.rows.show(await off_loop(read_rows, self.store))

        Call :meth:`load` from ``on_mount``, or earlier, so that no key slips in between.
        """
        self.holding += 1
        try:
            yield
        finally:
            self.holding -= 1

    def compose(self) -> ComposeResult:
        """Compose the box; subclasses override :meth:`compose_box`."""
        with Vertical(id="box") as box:
            box.border_title = Content(self.HEADING)
            yield from self.compose_box()
            yield StatusLine()
            yield CheatLine()
        yield TooSmall()

    def compose_box(self) -> ComposeResult:
        """Yield what stands in the box."""
        raise NotImplementedError

    def title_box(self, title: str) -> None:
        """Write the title of the box; foreign text in it is made inert."""
        set_border(self.box, one_line(title))

    def on_mount(self) -> None:
        """Show the keys. A subclass's own on_mount runs as well, before this one."""
        self.refresh_cheat()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do what the dialog says when enter is pressed in a field."""
        event.stop()
        self.run_accept()

    def run_accept(self) -> None:
        """Accept, with errors shown as those of a key are."""
        self.run_worker(
            self.app.run_action("accept", self), group="accept", exclusive=True, exit_on_error=False
        )

    def refresh_cheat(self) -> None:
        """Show the keys that work now."""
        # A field with the focus takes enter and hands it on, so enter is always true.
        shown = [action for action in actions(self.GROUP) if action.cheat]
        if self.GROUP != "dialog":
            shown += actions("dialog")
        self.cheat_line.show(
            (key_name(self.app.keys_of(action)[0]), self.label_of(action))
            for action in shown
            if (self.ACCEPTS or action.id != "dialog.accept") and self.offers(action)
        )

    def offers(self, action: Action) -> bool:
        """Return whether the cheat line shows an action now: those that can work."""
        return self.check_action(action.method, ()) is not False

    def label_of(self, action: Action) -> str:
        """Return what the cheat line calls an action; a dialog may say what ok means."""
        return self.OK if action.id == "dialog.accept" else action.label

    def say(self, message: str, *, hint: str = "", kind: Kind = "info") -> None:
        """Write the dialog's own status line."""
        self.status_line.say(message, hint=hint, kind=kind)

    _complains_later = False

    def complain(self, error: BaseException) -> None:
        """Show an error in the dialog; one that comes before its widgets waits for them."""
        if not self._complains_later and not self.query("#box > StatusLine"):
            self._complains_later = True  # once: what can't be made at all is closed
            self.call_after_refresh(self.complain, error)
            return
        message, hint = explain(error)
        self.say(message, hint=hint, kind="error")
        if isinstance(error, WorkspaceReplaced):
            self.app.database_lost(error)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what a worker of this dialog raised."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.app.complain(event.worker.error)

    def on_progressed(self, event: Progressed) -> None:
        """Show how far a long call has got."""
        event.stop()
        self.say(progress_words(event), kind="busy")

    def on_resize(self, event: events.Resize) -> None:
        """Cover everything while the terminal is too small."""
        small = event.size.width < MIN_COLUMNS or event.size.height < MIN_ROWS
        self.set_class(small, "-small")
        self.set_class(event.size.width < NARROW_COLUMNS, "-narrow")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Do nothing that can't be seen."""
        if self.has_class("-small"):
            return False
        return super().check_action(action, parameters)

    def action_accept(self) -> None:
        """Do what the dialog says; a dialog that has nothing to do just closes."""
        self.dismiss(None)

    def action_cancel(self) -> None:
        """Close and change nothing."""
        self.dismiss(None)


class FormDialog(Dialog[T]):
    """A dialog with fields one below the other."""

    def action_next(self) -> None:
        """Next field."""
        self.focus_next()

    def action_before(self) -> None:
        """Field before."""
        self.focus_previous()

    def action_later(self) -> None:
        """The next value of a list."""
        if isinstance(self.focused, Choice):
            self.focused.turn(1)

    def action_earlier(self) -> None:
        """The value before."""
        if isinstance(self.focused, Choice):
            self.focused.turn(-1)


class TextDialog(Dialog[T]):
    """A dialog with one text that its keys scroll by lines and pages."""

    pane = getters.query_one(TextPane)

    def action_scroll_down(self) -> None:
        """Scroll down a line."""
        self.pane.lines_down(1)

    def action_scroll_up(self) -> None:
        """Scroll up a line."""
        self.pane.lines_down(-1)

    def action_page_down(self) -> None:
        """Scroll down a page."""
        self.pane.pages_down(1)

    def action_page_up(self) -> None:
        """Scroll up a page."""
        self.pane.pages_down(-1)
