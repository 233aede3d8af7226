"""The app: modes, theme, keys, the job watcher, and where errors end."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, cast

from rich.text import Text
from textual import events, work
from textual._path import CSSPathType
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.color import Color
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.theme import BUILTIN_THEMES
from textual.worker import Worker, WorkerFailed, WorkerState

from engine.errors import FinetuiError, SettingsError
from engine.models import Filter
from engine.paths import shorten
from engine.settings import Settings
from engine.workspace import Workspace, open_workspace
from tui.actions import FRAME, STAGES, Action, actions, bindings
from tui.bridge.checks import Checks
from tui.bridge.jobs import watch_jobs
from tui.bridge.reading import Tokens
from tui.bridge.scans import Scans
from tui.bridge.terminal import leave_with_terminal
from tui.bridge.threads import off_loop
from tui.guard import install as install_guard
from tui.keys import check_keys, key_name
from tui.log import log_exception, log_file
from tui.messages import (
    Check,
    ChecksEnded,
    ChecksMoved,
    Job,
    JobChanged,
    Scan,
    ScanEnded,
    ScanMoved,
    WatchFailed,
)
from tui.stylesheets import stylesheet
from tui.themes import THEMES
from tui.typeahead import KeyPassed, TypeAhead

if TYPE_CHECKING:
    from tui.screens.stage import StageScreen

T = TypeVar("T")

SCREENS: Mapping[str, str] = {
    "sources": "tui.screens.sources:SourcesScreen",
    "curate": "tui.screens.curate:CurateScreen",
    "dataset": "tui.screens.dataset:DatasetScreen",
    "train": "tui.screens.train:TrainScreen",
    "chat": "tui.screens.chat:ChatScreen",
}
"""Where each mode's screen is; it is imported when it is first shown."""


def _factory(mode: str) -> Callable[[], Screen[Any]]:
    def make() -> Screen[Any]:
        module, _, name = SCREENS[mode].partition(":")
        return cast("Screen[Any]", getattr(importlib.import_module(module), name)())

    return make


def explain(error: BaseException) -> tuple[str, str]:
    """Return an error's message and hint for a person.

    An error that is none of finetui's own is written to the log with its traceback.
    """
    if isinstance(error, FinetuiError):
        return error.message, error.hint
    log_exception(error)
    return (
        f"something unexpected happened: {type(error).__name__}: {error}",
        f"the details are in {shorten(log_file())}",
    )


class FinetuiApp(App[int]):
    """The terminal app on one workspace.

    Attributes:
        workspace: The open workspace; screens hand it, or its store, to the engine.
        job: The job that the title line shows, None when nothing runs.
        scan: The scan that it shows, None when nothing is read.
        scans: Reads sources; a scan goes on whatever stage is shown.
        check: The checks that the title line shows, None when nothing is checked.
        checks: Checks examples; they go on whatever stage is shown.
        tokens: What was typed for addresses that ask for a token.
        cheat_shown: Whether the line of keys is shown.
        unexpected: Exceptions without a name that were caught and logged, newest last;
            tests assert that there are none.
    """

    TITLE: str | None = "finetui"
    CSS_PATH: ClassVar[CSSPathType | None] = [stylesheet("app"), stylesheet("modals")]
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        mode: _factory(mode) for mode in STAGES
    }
    DEFAULT_MODE: ClassVar[str] = "sources"
    BINDINGS: ClassVar[list[BindingType]] = bindings(FRAME)

    def __init__(
        self, workspace: Workspace, *, watch_interval: float = 1.0, bring_base: bool = False
    ) -> None:
        super().__init__()
        install_guard()
        self._typed = TypeAhead(self, super().on_event)
        self._told: tuple[object, str] | None = None
        self._bring_base = bring_base
        # Nothing moves by itself, and nothing costs more on a slow line than it must.
        self.animation_level = "none"
        self.workspace = workspace
        self.job: Job | None = None
        self.scan: Scan | None = None
        self.tokens = Tokens()
        self.scans = Scans(self, workspace.root, self.tokens)
        self.check: Check | None = None
        self.checks = Checks(self, workspace.root, workspace.settings.check)
        self.cheat_shown = workspace.settings.display.cheat_line
        self.unexpected: list[BaseException] = []
        self._watcher = watch_jobs(self, workspace.runs_dir, interval=watch_interval)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = workspace.settings.display.theme
        self.set_keymap(workspace.settings.keys)

    def get_css_variables(self) -> dict[str, str]:
        """Return the theme's variables, with the muted text as a plain colour.

        Textual's "auto 60%" needs a background to be seen against, which text inside a
        line doesn't have: there it would come out brighter than the text beside it.
        """
        variables = super().get_css_variables()
        background = Color.parse(variables["background"])
        foreground = Color.parse(variables["foreground"])
        for name, share in (("text-muted", 0.62), ("text-disabled", 0.42)):
            if variables[name].startswith("auto"):
                variables[name] = background.blend(foreground, share).hex
        return variables

    # -- life -----------------------------------------------------------------------

    def on_mount(self) -> None:
        """Start watching for the running job."""
        self._watcher.start()
        self.checks.catch_up(self.workspace.store)
        if self._bring_base:
            self.bring_base()

    def on_unmount(self) -> None:
        """Stop watching, and end what is being read or checked."""
        self._watcher.stop()
        self.scans.stop()
        self.checks.stop()
        self.scans.close()
        self.checks.close()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what a worker of the app raised."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.complain(event.worker.error)

    @work(group="base", exclusive=True, exit_on_error=False)
    async def bring_base(self) -> None:
        """Import the embedded base, once on a machine, so that cards can show tokens.

        Nothing waits for it; a base that would have to be fetched is left to its verb.
        """
        from engine.bases import EMBEDDED, add, installed

        try:
            if self.workspace.settings.training.base != EMBEDDED:
                return
            if any(base.name == EMBEDDED for base in await off_loop(installed)):
                return
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

    def look_for_jobs(self) -> None:
        """Look for the running job now: a screen has just started or stopped one."""
        self._watcher.hurry()

    def on_job_changed(self, event: JobChanged) -> None:
        """Show the running job on the screen that is in front."""
        self.job = event.job
        if (stage := self.stage) is not None:
            stage.refresh_title()

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

    # -- keys -----------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Hand keys on one at a time; all else as Textual does."""
        if isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded:
            await self._typed.take(event)
        else:
            await super().on_event(event)

    async def on_key_passed(self, event: KeyPassed) -> None:
        """Hand on the next key."""
        event.stop()
        await self._typed.passed(event.number)

    @property
    def keys_settled(self) -> bool:
        """Whether all keys are done with, as far as no screen holds them."""
        return self._typed.settled

    def ask(self, dialog: ModalScreen[T], then: Callable[[T], object] | None = None) -> None:
        """Open a dialog now, and hand its answer on.

        The only way to open one: nothing is awaited between the key that asks for it and the
        push, so that whatever is typed next belongs to the dialog. What a dialog shows it
        loads itself, after it is open.

        Args:
            dialog: The dialog.
            then: Called with the answer; not called when the dialog was cancelled.
        """

        def answered(result: T | None) -> object:
            return then(result) if then is not None and result is not None else None

        # The result's type carries None, by which a dialog says that it was cancelled.
        self.push_screen(cast("ModalScreen[T | None]", dialog), answered)  # type: ignore[arg-type]

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        handled = await super()._check_bindings(key, priority)
        if handled:
            self._told = None
        elif not priority:
            self._say_unknown(key)
        return handled

    def _say_unknown(self, key: str) -> None:
        """Say that a key has no meaning here, once until another key has one."""
        told = (self.screen, key)
        say = getattr(self.screen, "say", None)
        if say is not None and told != self._told:
            self._told = told
            reason = self._why_not(key)
            if reason:
                say(reason)
            else:
                say(f"{key_name(key)} does nothing here", hint="? shows the keys")

    def _why_not(self, key: str) -> str:
        """Return why a key of the stage in front can't work now, where the stage says so."""
        why_not = getattr(self.screen, "why_not", None)
        if why_not is None or self.stage is None:
            return ""
        found = (one for one in actions(self.stage.STAGE) if key in self.keys_of(one))
        return next((str(why_not(action.method)) for action in found), "")

    # -- errors ---------------------------------------------------------------------

    async def run_action(
        self,
        action: str | tuple[str, str, tuple[object, ...]],
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Run an action; whatever it raises is shown and the app goes on."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except Exception as error:
            self.complain(error)
            return True

    def survive(self, error: Exception) -> None:
        """Show what a handler, a timer, a worker or a paint raised, and go on."""
        cause = error.error if isinstance(error, WorkerFailed) else error
        try:
            self.complain(cause)
        except Exception:  # there is no screen that could show it
            self._end(cause)

    def _handle_exception(self, error: Exception) -> None:
        """Take over from Textual, which would print a traceback with private text, and end."""
        if self._running and self.screen_stack:
            self.survive(error)
        else:
            self._end(error)

    def _end(self, error: BaseException) -> None:
        """End the app with a short notice; the details go to the log."""
        message, hint = explain(error)
        self._return_code = 1
        if self._exception is None and isinstance(error, Exception):
            self._exception = error  # a test's pilot raises it again
            self._exception_event.set()
        self._exit_renderables.append(Text(f"finetui ended: {message}\n{hint}".rstrip()))
        self._close_messages_no_wait()

    def complain(self, error: BaseException) -> None:
        """Show an error where the person looks: in the dialog in front, else on the stage."""
        if not isinstance(error, FinetuiError) and error not in self.unexpected:
            self.unexpected.append(error)
        for screen in reversed(self.screen_stack):
            complain = getattr(screen, "complain", None)
            if complain is not None:
                complain(error)
                return

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
            self.push_screen(HelpDialog(stage.STAGE, stage.LEGEND))

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
        message = None
        if self.job is not None and self.job.active:
            steps = f", {self.job.done:,} of {self.job.total:,}" if self.job.total else ""
            message = f"{self.job.name} goes on{steps}; open finetui again to watch it."
        self.exit(0, message=message)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer every action of the registry that works now, and the themes."""
        stage = self.stage
        found: list[tuple[DOMNode, Action]] = [(self, action) for action in actions(FRAME)]
        if stage is not None and screen is stage:
            found = [(stage, action) for action in actions(stage.STAGE)] + found
        for node, action in found:
            if action.id != "frame.command-palette" and node.check_action(action.method, ()):
                title = f"{action.label}  ({', '.join(self.keys_of(action))})"
                run = partial(self.run_action, action.method, node)
                yield SystemCommand(title, action.help, run)
        yield SystemCommand("theme", "Choose another theme", self.action_change_theme)

    def keys_of(self, action: Action) -> tuple[str, ...]:
        """Return the keys that an action is on, after the settings' own keys."""
        own = self.workspace.settings.keys.get(action.id)
        return tuple(key.strip() for key in own.split(",")) if own else action.keys


def check_display(settings: Settings) -> None:
    """Refuse settings that the app can't start with.

    Raises:
        SettingsError: A theme or an action that is not there, or a key used twice.
    """
    names = [theme.name for theme in THEMES] + list(BUILTIN_THEMES)
    theme = settings.display.theme
    if theme not in names:
        near = difflib.get_close_matches(theme, names, n=1, cutoff=0.4)
        raise SettingsError(
            f"setting display.theme: there is no theme {theme}",
            hint=f"did you mean {near[0]}?" if near else f"one of: {', '.join(names)}",
        )
    check_keys(settings.keys)


def run(workspace: Path | None) -> int:
    """Open the app on a workspace and return the exit status.

    Args:
        workspace: The workspace's folder; None for the nearest, else the default one.

    Raises:
        FinetuiError: The workspace or its settings can't be used; the app did not open.
    """
    with open_workspace(workspace) as opened:
        check_display(opened.settings)
        app = FinetuiApp(opened, bring_base=True)
        leave_with_terminal()
        status = app.run()
    return status if status is not None else app.return_code or 0
