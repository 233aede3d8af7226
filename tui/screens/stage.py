"""What the five stages share: the frame, the status line, folding, and how errors are shown.

A stage's screen is a subclass that sets ``STAGE``, its own ``BINDINGS`` and
``CSS_PATH``, and yields its body::

    class TrainScreen(StageScreen):
        STAGE = "train"
        BINDINGS = bindings("train")          # tui/actions.py
        CSS_PATH = stylesheet("train")        # styles/train.tcss

        def compose_body(self) -> ComposeResult:
            with Horizontal():
                yield Form(classes="pane-first")
                yield Plot(classes="pane-second")

        def entered(self) -> None:
            self.load()                       # data may have changed meanwhile

        @work(group="load", exclusive=True, exit_on_error=False)
        async def load(self) -> None:
            found = await off_loop(engine.runs.runs, self.app.workspace)
            self.plot.show(found)             # on the event loop again

Whatever an action or a worker raises ends in the status line: a
:class:`~engine.errors.FinetuiError` with its message and hint, anything else in a
short form, with the traceback in the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from textual import events, getters, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from engine.errors import WorkspaceReplaced
from engine.paths import shorten
from tui.actions import FRAME, STAGES, actions
from tui.bridge.scans import short_name
from tui.bridge.setup import stage_lacks
from tui.host import Host, explain
from tui.keys import key_name
from tui.messages import ChecksEnded, PartFailed, Progressed, ScanEnded
from tui.widgets.checks import checks_words
from tui.widgets.frame import (
    MIN_COLUMNS,
    MIN_ROWS,
    CheatLine,
    Kind,
    StatusLine,
    Title,
    TitleLine,
    TooSmall,
    progress_words,
)
from tui.widgets.preview import report_words
from tui.widgets.scanning import stopped_words

WIDE_COLUMNS = 100
"""From here on panes stand side by side; below, one is shown and a key swaps them."""


class StageScreen(Screen[None]):
    """The frame around a stage.

    Classes that stylesheets can build on: ``-narrow`` below 100 columns, ``-second``
    when a narrow terminal shows the second pane, ``-small`` when the notice covers
    everything. Widgets with the classes ``pane-first`` and ``pane-second`` fold
    by themselves.
    """

    STAGE: ClassVar[str] = ""
    """The mode's name; also the name of the action group."""

    LEGEND: ClassVar[str] = ""
    """What the stage's signs mean, a line of the help."""

    AUTO_FOCUS: ClassVar[str | None] = ""

    app = getters.app(Host)
    title_line = getters.query_one(TitleLine)
    status_line = getters.query_one(StatusLine)
    cheat_line = getters.query_one(CheatLine)

    def compose(self) -> ComposeResult:
        """Compose the frame; subclasses override :meth:`compose_body`."""
        yield TitleLine()
        with Container(id="body"):
            yield from self.compose_body()
        yield StatusLine()
        yield CheatLine()
        yield TooSmall()

    def compose_body(self) -> ComposeResult:
        """Yield what stands between the title and the status line."""
        raise NotImplementedError

    def entered(self) -> None:
        """Bring the stage up to date.

        Called whenever the screen comes to the front: first shown, come back to by
        its key, or a dialog over it was closed. It may be called twice in a row.
        """

    # -- saying things --------------------------------------------------------------

    def say(self, message: str, *, hint: str = "", kind: Kind = "info") -> None:
        """Write the status line. Foreign text in it is made inert.

        Args:
            message: What was done, or is being done.
            hint: What can be done next, shown dimmer.
            kind: "done" puts ✓ in front, "busy" …, "error" !.
        """
        self.status_line.say(message, hint=hint, kind=kind)

    def complain(self, error: BaseException) -> None:
        """Show an error in the status line; log it if it is none of finetui's own."""
        message, hint = explain(error)
        self.say(message, hint=hint, kind="error")
        if isinstance(error, WorkspaceReplaced):
            self.app.database_lost(error)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what a worker of this screen raised."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.complain(event.worker.error)

    @on(PartFailed)
    def _part_failed(self, event: PartFailed) -> None:
        event.stop()
        self.app.complain(event.error)

    def on_progressed(self, event: Progressed) -> None:
        """Show how far a long call has got, if :meth:`shows_progress` wants it shown."""
        event.stop()
        if self.shows_progress(event):
            self.say(progress_words(event), kind="busy")

    def shows_progress(self, event: Progressed) -> bool:
        """Return whether progress may take the place of what the status line says."""
        return True

    # -- scans, which go on whatever stage is shown ------------------------------------

    def scan_moved(self) -> None:
        """Follow a scan beyond the title line."""

    def scan_ended(self, event: ScanEnded) -> None:
        """Say what a scan found, or why it could not read its source."""
        name = short_name(event.source.root)
        if event.report is not None and event.report.cancelled:
            message, hint = stopped_words(event)
            self.say(message, hint=hint)
        elif event.error is not None:
            message, hint = explain(event.error)
            self.say(f"{name}: {message}", hint=hint or "1 goes to Sources", kind="error")
        elif event.report is not None:
            self.say(f"{name}: {report_words(event.report, event.source.kind)}", kind="done")
            self.examples_changed()

    def examples_changed(self) -> None:
        """Show the examples as they are after a scan or checks, where a stage shows them."""

    # -- checks, which go on whatever stage is shown -----------------------------------

    def checks_ended(self, event: ChecksEnded) -> None:
        """Say what the checks found, or why they could not be made."""
        message, hint, kind = checks_words(event)
        if event.error is not None:
            failed, help_ = explain(event.error)
            message = f"{message}; {failed}" if message else failed
            hint, kind = help_, "error"
        if message:
            self.say(message, hint=hint, kind=kind)
        if event.report is not None:
            self.examples_changed()

    def action_check(self) -> None:
        """Check what is new or changed, or stop what is being checked."""
        if self.app.checks.active:
            self.app.checks.stop()
            self.say("stopping the checks; what they found is kept", kind="busy")
        elif not self.app.workspace.store.counts().total:
            self.say("there is no example to check", hint="1 goes to Sources")
        else:
            self.app.checks.start(by_hand=True)
            self.say("looking for what is new or changed", hint="C stops it", kind="busy")

    # -- the frame ------------------------------------------------------------------

    def on_mount(self) -> None:
        """Fill the frame and keep the cheat line true."""
        self.bindings_updated_signal.subscribe(self, self._bindings_changed)
        self.refresh_title()

    def on_screen_resume(self) -> None:
        """Bring frame and stage up to date."""
        self.set_class(not self.app.cheat_shown, "-no-cheat")
        self.refresh_title()
        self.refresh_cheat()
        self.entered()
        if self.app.setup and (lacks := stage_lacks(self.STAGE, self.app.setup)):
            self.say(lacks[0], hint=lacks[1], kind="help")

    def refresh_title(self) -> None:
        """Show workspace, stages and the running job as they are now."""
        # News of a job may come before the screen is composed, which shows them itself.
        if not self.query(TitleLine):
            return
        self.title_line.show(
            Title(
                workspace=shorten(self.app.workspace.root.name, 24),
                stages=tuple(self._stage_names()),
                active=STAGES.index(self.STAGE),
                job=self.app.job,
                scan=self.app.scan,
                check=self.app.check,
                setup=self.app.setup,
                server=self.app.server,
            )
        )

    def _stage_names(self) -> Iterator[tuple[str, str]]:
        for action in actions(FRAME):
            if action.method in STAGES:
                yield key_name(self.app.keys_of(action)[0]), action.label

    def _bindings_changed(self, _: Screen[Any]) -> None:
        self.refresh_cheat()

    def refresh_cheat(self) -> None:
        """Show the keys that work now: those of the stage, then those of the frame."""
        active = {bound.binding.id for bound in self.active_bindings.values()}
        self.cheat_line.show(
            (key_name(self.app.keys_of(action)[0]), action.label)
            for action in (*actions(self.STAGE), *actions(FRAME))
            if action.cheat and action.id in active
        )

    def _compositor_refresh(self) -> None:
        """Draw nothing while the app holds back what is drawn.

        Textual draws the whole first screen and throws it away, then draws it again.
        """
        if not self.app._batch_count:
            super()._compositor_refresh()

    # -- size and folding -------------------------------------------------------------

    @property
    def is_narrow(self) -> bool:
        """Whether one pane is shown at a time."""
        return self.has_class("-narrow")

    def on_resize(self, event: events.Resize) -> None:
        """Fold the panes, or cover everything, as the terminal's size asks."""
        small = event.size.width < MIN_COLUMNS or event.size.height < MIN_ROWS
        self.set_class(small, "-small")
        self.set_class(event.size.width < WIDE_COLUMNS, "-narrow")
        self.refresh_bindings()

    def action_swap_panes(self) -> None:
        """Show the other pane on a narrow terminal."""
        self.toggle_class("-second")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Do nothing that can't be seen, and swap panes only where they are folded."""
        if self.has_class("-small"):
            return False
        if action == "swap_panes":
            return self.is_narrow
        return super().check_action(action, parameters)

    def refusal_of_key(self, key: str) -> tuple[str, str]:
        """Return why the action on a key of this stage is not offered now; empty if unknown."""
        for action in actions(self.STAGE):
            if key in self.app.keys_of(action):
                return self.refusal(action.method)
        return "", ""

    def refusal(self, action: str) -> tuple[str, str]:
        """Return why an action is not offered now, and what to do instead; empty if unknown.

        Said when its key is pressed all the same.
        """
        return "", ""


def stage_of(node: DOMNode) -> StageScreen | None:
    """Return the stage that a widget stands on, or None in a dialog or a test's host."""
    screen = node.screen if isinstance(node, Widget) else None
    return screen if isinstance(screen, StageScreen) else None
