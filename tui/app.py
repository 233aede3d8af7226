"""The app: modes, theme, keys, the job watcher, and where errors end."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from textual import on, work
from textual._path import CSSPathType
from textual.binding import BindingType
from textual.driver import Driver
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from engine.errors import FinetuiError, WorkspaceReplaced
from engine.models import Filter
from engine.settings import Settings
from engine.workspace import Workspace, open_workspace
from tui.actions import FRAME, STAGES, Action, actions, bindings
from tui.bridge.jobs import watch_jobs
from tui.bridge.serving_title import watch_server
from tui.bridge.setup import watch_setup
from tui.bridge.terminal import leave_with_terminal
from tui.bridge.threads import off_loop
from tui.host import Host
from tui.keys import check_keys
from tui.messages import (
    ChecksEnded,
    ChecksMoved,
    JobChanged,
    ScanEnded,
    ScanMoved,
    ServerMoved,
    SetupMoved,
    WatchFailed,
)
from tui.stylesheets import stylesheet
from tui.themes import check_theme
from tui.trusting import OPEN_AGAIN, ask_for_trust, needs_trust

if TYPE_CHECKING:
    from textual.command import Provider

    from tui.screens.stage import StageScreen

SETTLE_SECONDS = 0.3
"""When the app begins with what the first screen does not need."""

LEAVE_SECONDS = 2.0
"""How long leaving waits for what is still to be stored."""

LOOP_SECONDS = 0.25
"""How long a read on the event loop waits for another process."""

SCREENS: Mapping[str, str] = {
    "sources": "tui.screens.sources:SourcesScreen",
    "curate": "tui.screens.curate:CurateScreen",
    "dataset": "tui.screens.dataset:DatasetScreen",
    "train": "tui.screens.train:TrainScreen",
    "chat": "tui.screens.chat:ChatScreen",
}
"""Where each mode's screen is; it is imported when it is first shown."""


def _palette() -> type[Provider]:
    """Return what the palette offers; imported when it is first opened."""
    from tui.palette import Commands

    return Commands


def _factory(mode: str) -> Callable[[], Screen[Any]]:
    def make() -> Screen[Any]:
        module, _, name = SCREENS[mode].partition(":")
        return cast("Screen[Any]", getattr(importlib.import_module(module), name)())

    return make


class FinetuiApp(Host):
    """The terminal app on one workspace: its stages, what it watches, and the frame's keys."""

    TITLE: str | None = "finetui"
    CSS_PATH: ClassVar[CSSPathType | None] = [stylesheet("app"), stylesheet("modals")]
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        mode: _factory(mode) for mode in STAGES
    }
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_palette}
    DEFAULT_MODE: ClassVar[str] = "sources"
    BINDINGS: ClassVar[list[BindingType]] = bindings(FRAME)

    def __init__(
        self, workspace: Workspace, *, watch_interval: float = 2.0, bring_base: bool = False
    ) -> None:
        super().__init__(workspace)
        self._bring_base = bring_base
        self._parts_ready: set[str] = set()
        self._lost: WorkspaceReplaced | None = None
        self._asked_to_leave = False
        self._ended_jobs = 0
        self._setup_watcher = watch_setup(self, go_on=bring_base)
        self._watcher = watch_jobs(self, workspace.runs_dir, interval=watch_interval)
        self._server_watcher = watch_server(self, workspace.root, interval=watch_interval)

    # -- life -----------------------------------------------------------------------

    def on_mount(self) -> None:
        """Show the first screen; what it does not need waits until it is there."""
        self.workspace.store.wait_at_most(LOOP_SECONDS)
        if needs_trust(self.workspace):
            ask_for_trust(self, then=self._go_on)  # nothing is begun before the answer
        else:
            self.set_timer(SETTLE_SECONDS, self._settle)

    def _go_on(self, message: str) -> None:
        """Begin, and say what was decided about the workspace."""
        self._settle()
        self.say(message, "done")

    def _settle(self) -> None:
        """Watch for the running job, catch up with checks, and look for garbage again."""
        if not gc.isenabled():
            # What a start leaves is modules and classes, which no collection need look at.
            gc.freeze()
            gc.enable()
        if self.workspace.notice:
            self.say(self.workspace.notice, "done")
        self._watcher.start()
        self._server_watcher.start()
        self._setup_watcher.start()
        self.checks.catch_up(self.workspace.store)
        if self._bring_base:
            self.bring_base()

    @on(Driver.SignalResume)
    def _come_back(self) -> None:
        """Draw everything: the shell has had the terminal meanwhile."""
        self.refresh(layout=True)

    def on_unmount(self) -> None:
        """Stop watching, and end what is being read or checked."""
        self._watcher.stop()
        self._server_watcher.stop()
        self._setup_watcher.stop()
        self.scans.stop()
        self.checks.stop()
        self.scans.close()
        self.checks.close()
        self.writer.close()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what a worker of the app raised."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.complain(event.worker.error)

    @work(group="base", exclusive=True, exit_on_error=False)
    async def bring_base(self) -> None:
        """Import the embedded base, once on a machine, so that cards can show tokens.

        Nothing waits for it; a base that would have to be fetched is left to its verb.
        """
        from engine.bases import EMBEDDED, add, bring_tokenizer, installed
        from engine.setup import lacking

        try:
            if self.workspace.settings.training.base != EMBEDDED:
                return
            if any(base.name == EMBEDDED for base in await off_loop(installed)):
                return
            if (lacks := await off_loop(lacking, "base")) is not None:
                if all(part.name != "base" for part in lacks.parts):
                    # Its weights wait for torch; tokens are counted meanwhile.
                    await off_loop(bring_tokenizer, EMBEDDED)
                    self.checks.follow()
                return  # it is taken up when that is installed
            self.say("the embedded base model is being imported, once; go on meanwhile", "busy")
            await off_loop(add, EMBEDDED)
            self.say("the embedded base model is here: cards show tokens now", "done")
            # What was scanned before it came was not checked for its length.
            self.checks.follow()
        except FinetuiError as error:
            self.complain(error)

    def say(self, message: str, kind: Literal["busy", "done"]) -> None:
        """Say something in the status line of the stage in front."""
        if (stage := self.stage) is not None:
            stage.say(message, kind=kind)

    def database_lost(self, error: WorkspaceReplaced) -> None:
        """Offer to save what was decided, once."""
        if not self._lost:
            self._lost = error
            self._offer_rescue()

    def _offer_rescue(self) -> None:
        from tui.screens.modals.lost import LostDialog

        if self._lost is not None:
            self.ask(LostDialog(self._lost, self.workspace.root))

    def look_for_jobs(self) -> None:
        """Look for job and server now: a screen has just started or stopped one."""
        self._watcher.hurry()
        self._server_watcher.hurry()

    def on_job_changed(self, event: JobChanged) -> None:
        """Show the running job on the screen that is in front, and ring when one has ended."""
        self.job = event.job
        if event.ended > self._ended_jobs and self.workspace.settings.training.notify == "bell":
            self.bell()
        self._ended_jobs = event.ended
        if (stage := self.stage) is not None:
            stage.refresh_title()

    def on_server_moved(self, event: ServerMoved) -> None:
        """Show what the server does on the screen that is in front."""
        self.server = event.server
        if (stage := self.stage) is not None:
            stage.refresh_title()
            if event.died:
                stage.say("the server is gone", hint="S on Chat says why", kind="error")

    def on_scan_moved(self, event: ScanMoved) -> None:
        """Show how far the scan is on the screen that is in front."""
        self.scan = event.scan
        if event.scan is None and any(ended.report is not None for ended in self.scans.ended):
            self.checks.follow()
        if (stage := self.stage) is not None:
            stage.refresh_title()
            stage.scan_moved()

    def on_scan_ended(self, event: ScanEnded) -> None:
        """Let the stage in front say what a scan found."""
        if event.error is not None and not isinstance(event.error, FinetuiError):
            self.unexpected.append(event.error)
        if (stage := self.stage) is not None:
            stage.scan_ended(event)

    def on_checks_moved(self, event: ChecksMoved) -> None:
        """Show how far the checks are on the screen that is in front."""
        self.check = event.check
        if (stage := self.stage) is not None:
            stage.refresh_title()

    def on_checks_ended(self, event: ChecksEnded) -> None:
        """Let the stage in front say what the checks found."""
        if event.error is not None and not isinstance(event.error, FinetuiError):
            self.unexpected.append(event.error)
        if (stage := self.stage) is not None:
            stage.checks_ended(event)

    def on_setup_moved(self, event: SetupMoved) -> None:
        """Show how far finetui's installation is, and take up what has waited for a part."""
        ready = {part.name for part in event.setup.parts if part.state == "ready"}
        fresh = ready - self._parts_ready
        self._parts_ready, known = ready, self.setup is not None
        self.setup = None if event.setup.ready else event.setup
        if (stage := self.stage) is not None:
            stage.refresh_title()
        if known and {"base", "training"} & fresh and self._bring_base:
            self.bring_base()
        if known and "similarity" in fresh:
            self.checks.follow()
        if event.setup.ready:
            self.say("everything is installed: training and chat work now", "done")

    def on_watch_failed(self, event: WatchFailed) -> None:
        """Tell that the runs can't be read."""
        self.complain(event.error)

    @property
    def stage(self) -> StageScreen | None:
        """The stage in front, also while a dialog is over it; None before the first."""
        from tui.screens.stage import StageScreen

        for screen in reversed(self.screen_stack):
            if isinstance(screen, StageScreen):
                return screen
        return None

    @property
    def front(self) -> str:
        """The mode of the stage in front, empty before the first."""
        return self.stage.STAGE if self.stage is not None else ""

    # -- actions of the frame ---------------------------------------------------------

    async def action_sources(self) -> None:
        """Go to Sources."""
        await self.switch_mode("sources")

    async def action_curate(self) -> None:
        """Go to Curate."""
        await self.switch_mode("curate")

    async def action_dataset(self) -> None:
        """Go to Dataset."""
        await self.switch_mode("dataset")

    async def action_train(self) -> None:
        """Go to Train."""
        await self.switch_mode("train")

    async def action_chat(self) -> None:
        """Go to Chat."""
        await self.switch_mode("chat")

    async def open_example(self, example_id: str) -> None:
        """Go to Curate and show an example there, whatever part of the queue it shows."""
        from tui.screens.curate import CurateScreen

        await self.switch_mode("curate")
        stage = self.stage
        if isinstance(stage, CurateScreen):
            stage.show_example(example_id)

    async def open_filter(self, which: Filter) -> None:
        """Go to Curate and show a part of the queue there."""
        from tui.screens.curate import CurateScreen

        await self.switch_mode("curate")
        stage = self.stage
        if isinstance(stage, CurateScreen):
            stage.show_part(which)

    async def open_source(self, source_id: str) -> None:
        """Go to Sources and select a source there."""
        from tui.screens.sources import SourcesScreen

        await self.switch_mode("sources")
        if isinstance(stage := self.stage, SourcesScreen):
            stage.show_source(source_id)

    async def open_run(self, run_id: str) -> None:
        """Go to Train and select a run there."""
        from tui.screens.train import TrainScreen

        await self.switch_mode("train")
        if isinstance(stage := self.stage, TrainScreen):
            stage.show_run(run_id)

    async def act_on(self, mode: str, action: Action) -> None:
        """Go to a stage and carry out one of its actions there."""
        await self.switch_mode(mode)
        if (stage := self.stage) is None:
            return
        if stage.check_action(action.method, ()):
            await self.run_action(action.method, stage)
        else:
            stage.say(f"{action.label}: not possible at the moment")

    def action_settings(self) -> None:
        """Show every setting and its value."""
        from tui.screens.modals.report import ReportDialog, settings_report

        settings, root = self.workspace.settings, self.workspace.root
        self.ask(ReportDialog("Settings", partial(settings_report, settings, root)))

    def action_doctor(self) -> None:
        """Show what is installed and what is missing."""
        from tui.screens.modals.report import ReportDialog, doctor_report

        self.ask(ReportDialog("Doctor", partial(doctor_report, self.workspace.root)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to suspend only where the terminal can."""
        if action == "suspend_process":
            return self._driver is not None and self._driver.can_suspend
        return super().check_action(action, parameters)

    def action_command_palette(self) -> None:
        """Open the palette, with a cursor that stands still."""
        from textual.widgets import Input

        super().action_command_palette()
        palette = self.screen

        def steady() -> None:
            for field in palette.query(Input):
                field.cursor_blink = False

        palette.call_after_refresh(steady)

    def action_help(self) -> None:
        """Show the keys of the stage in front."""
        from tui.screens.modals.help import HelpDialog

        stage = self.stage
        if stage is not None:
            self.ask(HelpDialog(stage.STAGE, stage.LEGEND))

    def action_cheat(self) -> None:
        """Hide or show the line of keys."""
        self.cheat_shown = not self.cheat_shown
        if (stage := self.stage) is not None:
            stage.set_class(not self.cheat_shown, "-no-cheat")

    def action_help_quit(self) -> None:
        """Say which key leaves: ctrl+c is what people try first."""
        key = self.keys_of(next(a for a in actions(FRAME) if a.id == "frame.quit"))[0]
        if (stage := self.stage) is not None:
            stage.say(f"{key} leaves finetui")

    async def action_quit(self) -> None:
        """Leave. A run is a process of its own and goes on."""
        if self._lost is not None and not self.rescued and not self._asked_to_leave:
            self._asked_to_leave = True  # the next one leaves
            self._offer_rescue()
            return
        if self.writer.busy:
            self.say("leaving when what you decided is stored", "busy")
        self._leave()

    @work(group="leave", exclusive=True, exit_on_error=False)
    async def _leave(self) -> None:
        """Store what waits, within a moment, and leave."""
        from tui.leaving import goes_on

        said = []
        if self.writer.busy and (lost := await self.writer.finish(LEAVE_SECONDS)):
            said.append(f"Not stored, for another process holds the workspace: {'; '.join(lost)}.")
        said += goes_on(self.job, self.server)
        self.exit(0, message="\n".join(said) or None)


def check_display(settings: Settings) -> None:
    """Refuse settings that the app can't start with.

    Raises:
        SettingsError: A theme or an action that is not there, or a key used twice.
    """
    check_theme(settings.display.theme)
    if settings.keys:
        check_keys(settings.keys)


def run(workspace: Path | None) -> int:
    """Open the app on a workspace and return the exit status.

    Args:
        workspace: The workspace's folder; None for the nearest, else the default one.

    Raises:
        FinetuiError: The workspace or its settings can't be used; the app did not open.
    """
    leave_with_terminal()
    while True:
        with open_workspace(workspace, leave_out=True) as opened:
            check_display(opened.settings)
            app = FinetuiApp(opened, bring_base=True)
            status = app.run()
        if status != OPEN_AGAIN:
            return status if status is not None else app.return_code or 0
