"""Name, note, queue, clean, pack, import and remove runs: the dialogs, one after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from textual import getters, work
from textual.app import ComposeResult
from textual.widgets import Static

from engine.errors import FinetuiError
from tui.bridge.run_tail import JobState
from tui.bridge.threads import off_loop
from tui.host import Host
from tui.parts.train_keeping import Keeping, Task, choices, loss_words, pack_path
from tui.parts.train_steering import Done
from tui.screens.modals.add import PathSuggester
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.dialog import Dialog
from tui.screens.modals.pick import PickDialog
from tui.widgets.field import Field
from tui.widgets.words import plain

if TYPE_CHECKING:
    from engine.workspace import Workspace

CarryOut = Callable[[Callable[[], Awaitable[Done]]], object]
"""Carries out a call of :class:`Keeping` and tells what came of it."""


class TextDialog(Dialog[str]):
    """Asks for one line of text; returns it.

    Args:
        heading: What it is.
        start: What stands there first.
        placeholder: What an empty field shows.
        is_path: Whether it is a path, which is completed.
    """

    OK = "take it"
    AUTO_FOCUS = "Field"

    field = getters.query_one("#search-text", Field)

    def __init__(
        self, heading: str, start: str, *, placeholder: str, is_path: bool = False
    ) -> None:
        super().__init__()
        self._heading = heading
        self._start = start
        self._placeholder = placeholder
        self._is_path = is_path

    def compose_box(self) -> ComposeResult:
        """The field."""
        field = Field(self._start, placeholder=self._placeholder, id="search-text")
        if self._is_path:
            field.suggester = PathSuggester()
        yield field

    def on_mount(self) -> None:
        """Say what is asked for."""
        self.title_box(self._heading)

    def action_accept(self) -> None:
        """Give the text back."""
        self.dismiss(self.field.value)


class LossDialog(ConfirmDialog):
    """Asks before something is removed; it looks itself at what that would be.

    Args:
        question: What would be done, as a question.
        look: Returns what goes and what stays; it reads files and is called off the event loop.
    """

    def __init__(self, question: str, look: Callable[[], str]) -> None:
        super().__init__(question, "looking at its files …")
        self._look = look
        self._allowed = False

    def on_mount(self) -> None:
        """Look."""
        self.load()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def load(self) -> None:
        """Show what goes and what stays, or why nothing can."""
        with self.holding_keys():
            try:
                words = await off_loop(self._look)
                self._allowed = True
            except FinetuiError as error:
                words = f"{error.message}. Fix: {error.hint}" if error.hint else error.message
            self.query_one(".consequence", Static).update(plain(words))

    def action_yes(self) -> None:
        """Yes, where it can be done."""
        self.dismiss(self._allowed)


def ask_keeping(
    host: Host, workspace: Workspace, job: JobState | None, carry_out: CarryOut
) -> None:
    """Show what can be done with a run, and do what is chosen.

    Args:
        host: The app.
        workspace: Where the runs are.
        job: The run under the cursor, if there is one.
        carry_out: Carries it out.
    """
    found = choices(job)
    dialog = PickDialog([choice.row() for choice in found])
    dialog.HEADING = job.name.capitalize() if job is not None and not job.quant else "Runs"

    def chosen(index: int) -> None:
        _go_on(host, workspace, job, found[index].task, carry_out)

    host.ask(dialog, chosen)


def _go_on(
    host: Host, workspace: Workspace, job: JobState | None, task: Task, carry_out: CarryOut
) -> None:
    keeping = Keeping(workspace)
    if task == "wake":
        carry_out(keeping.wake)
    elif task == "import":
        field = TextDialog("Import a packed run", "", placeholder="a file", is_path=True)
        host.ask(field, lambda path: carry_out(partial(keeping.bring, path)) if path else None)
    elif job is not None:
        _with_run(host, workspace, job, task, carry_out)


def _with_run(
    host: Host, workspace: Workspace, job: JobState, task: Task, carry_out: CarryOut
) -> None:
    keeping = Keeping(workspace)
    if task in ("start", "queue"):
        carry_out(partial(keeping.start, job, queue=task == "queue"))
    elif task == "first":
        carry_out(partial(keeping.first, job))
    elif task in ("rename", "note"):
        act, start = (keeping.rename, job.called) if task == "rename" else (keeping.note, job.note)
        heading = f"{'Name' if task == 'rename' else 'Note'} of {job.name}"
        field = TextDialog(heading, start, placeholder="empty takes it away")
        host.ask(field, lambda text: carry_out(partial(act, job, text)))
    elif task == "pack":
        field = TextDialog(
            f"Pack {job.name}", pack_path(job), placeholder="a new file", is_path=True
        )
        host.ask(field, lambda path: carry_out(partial(keeping.pack, job, path)) if path else None)
    else:
        act_now = keeping.clean if task == "clean" else keeping.remove
        question = LossDialog(
            f"{'Clean' if task == 'clean' else 'Remove'} {job.name}?",
            partial(loss_words, workspace, job, task),
        )
        host.ask(question, lambda sure: carry_out(partial(act_now, job)) if sure else None)
