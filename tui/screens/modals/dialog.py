"""What dialogs share: a framed box, a line for what is wrong, keys, and how errors are shown."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from textual import events, getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen
from textual.worker import Worker, WorkerState

from tui.actions import actions, bindings, key_name
from tui.app import FinetuiApp, explain
from tui.messages import Progressed
from tui.widgets.frame import MIN_COLUMNS, MIN_ROWS, CheatLine, Kind, StatusLine, TooSmall

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A box over a stage.

    A subclass sets ``HEADING`` and ``GROUP`` (its group of actions), and yields
    its widgets from :meth:`compose_box`. ``escape`` dismisses with None.
    """

    HEADING: ClassVar[str] = ""
    GROUP: ClassVar[str] = "dialog"
    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    app = getters.app(FinetuiApp)
    box = getters.query_one("#box", Vertical)
    status_line = getters.query_one("#box > StatusLine", StatusLine)
    cheat_line = getters.query_one("#box > CheatLine", CheatLine)

    def compose(self) -> ComposeResult:
        """Compose the box; subclasses override :meth:`compose_box`."""
        with Vertical(id="box"):
            yield from self.compose_box()
            yield StatusLine()
            yield CheatLine()
        yield TooSmall()

    def compose_box(self) -> ComposeResult:
        """Yield what stands in the box."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Title the box and keep its keys true."""
        self.box.border_title = self.HEADING
        self.bindings_updated_signal.subscribe(self, self._bindings_changed)
        self.refresh_cheat()

    def _bindings_changed(self, _: Screen[Any]) -> None:
        self.refresh_cheat()

    def refresh_cheat(self) -> None:
        """Show the keys that work now."""
        active = {bound.binding.id for bound in self.active_bindings.values()}
        own = () if self.GROUP == "dialog" else actions(self.GROUP)
        self.cheat_line.show(
            (key_name(self.app.keys_of(action)[0]), action.label)
            for action in (*own, *actions("dialog"))
            if action.cheat and action.id in active
        )

    def say(self, message: str, *, hint: str = "", kind: Kind = "info") -> None:
        """Write the dialog's own status line."""
        self.status_line.say(message, hint=hint, kind=kind)

    def complain(self, error: BaseException) -> None:
        """Show an error in the dialog."""
        message, hint = explain(error)
        self.say(message, hint=hint, kind="error")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what a worker of this dialog raised."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.app.complain(event.worker.error)

    def on_progressed(self, event: Progressed) -> None:
        """Show how far a long call has got."""
        event.stop()
        of = f" of {event.total:,}" if event.total else ""
        self.say(f"{event.what}: {event.done:,}{of}", kind="busy")

    def on_resize(self, event: events.Resize) -> None:
        """Cover everything while the terminal is too small."""
        small = event.size.width < MIN_COLUMNS or event.size.height < MIN_ROWS
        self.set_class(small, "-small")

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
