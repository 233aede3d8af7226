"""What can be done when the database was removed or replaced under the open app."""

from __future__ import annotations

import time
from pathlib import Path

from textual import getters, work
from textual.app import ComposeResult
from textual.widgets import Label, Static

from engine.errors import UsageError, WorkspaceReplaced
from engine.paths import shell_path
from tui.actions import bindings
from tui.bridge.threads import off_loop
from tui.screens.modals.dialog import Dialog
from tui.widgets.field import Field
from tui.widgets.words import counted, plain


class LostDialog(Dialog[bool]):
    """Says that nothing is stored any more, and saves this session's decisions elsewhere.

    Args:
        error: What became of the database.
        root: The workspace's folder; the file is proposed beside it.
    """

    HEADING = "Nothing is stored any more"
    OK = "save"
    BINDINGS = bindings("dialog")
    # It comes uninvited: keys that were meant for the queue must not be typed into the path.
    AUTO_FOCUS = ""

    field = getters.query_one("#lost-path", Field)

    def __init__(self, error: WorkspaceReplaced, root: Path) -> None:
        super().__init__()
        self._error = error
        name = f"{root.name}-decisions-{time.strftime('%Y-%m-%d-%H%M')}.jsonl"
        self._proposed = root.parent / name
        self._saved = False

    def compose_box(self) -> ComposeResult:
        """What happened, what can be saved, and where."""
        yield Static(plain(self._error.message), classes="question", markup=False)
        yield Static("", id="lost-count", classes="consequence", markup=False)
        yield Label("Save them as")
        yield Field(str(self._proposed), id="lost-path")

    def on_mount(self) -> None:
        """Count what can be saved."""
        self._count()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _count(self) -> None:
        number = await off_loop(self.app.workspace.store.unsaved)
        words = "What you see is as it was; from now on nothing that you decide counts."
        if number:
            words = (
                f"{counted(number, 'decision')} of this session can be saved outside of the "
                "workspace. Restore the database, or open the workspace again, and take them over "
                f"there. {words} tab goes to the path."
            )
        self.query_one("#lost-count", Static).update(plain(words))

    def action_accept(self) -> None:
        """Save the decisions; once that is done, leave finetui."""
        if self._saved:
            self.app.exit(0)
        elif not self.field.value.strip():
            raise UsageError("a path is missing", hint="write where the decisions are saved")
        else:
            self._save(Path(self.field.value.strip()).expanduser())

    @work(group="accept", exclusive=True, exit_on_error=False)
    async def _save(self, path: Path) -> None:
        if await off_loop(path.exists):
            raise UsageError(f"{path} is there already", hint="choose another name")
        self.say("saving", kind="busy")
        done = await off_loop(self.app.workspace.store.rescue, path)
        self._saved, self.app.rescued = True, True
        self.OK = "leave finetui"
        self.refresh_cheat()
        copy = f", and a copy of the database in {done.database.name}" if done.database else ""
        self.say(
            f"saved {counted(done.count, 'decision')}{copy}",
            hint=f"take them over with: finetui journal import {shell_path(path)}",
            kind="help",
        )

    def action_cancel(self) -> None:
        """Close, and look at what is there."""
        self.dismiss(None)
