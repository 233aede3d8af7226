"""What every screen can ask of the app: the workspace, dialogs, keys, and where errors end.

Screens import this module, and ``tui.app`` imports screens; so imports go one way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from rich.text import Text
from textual import events
from textual.app import App
from textual.color import Color
from textual.dom import DOMNode
from textual.screen import ModalScreen
from textual.worker import WorkerFailed

from engine.errors import FinetuiError, WorkspaceReplaced
from engine.failures import named
from engine.log import log_exception, log_file
from engine.models import Filter
from engine.paths import shell_path
from engine.workspace import Workspace
from tui.actions import Action
from tui.bridge.checks import Checks
from tui.bridge.reading import Tokens
from tui.bridge.scans import Scans
from tui.bridge.writer import Writer
from tui.guard import install as install_guard
from tui.keys import key_name
from tui.messages import (
    Check,
    Job,
    Scan,
    Server,
)
from tui.stylesheets import KeptStylesheet
from tui.themes import THEMES
from tui.typeahead import KeyPassed, TypeAhead

if TYPE_CHECKING:
    from engine.setup import Setup

T = TypeVar("T")


def explain(error: BaseException) -> tuple[str, str]:
    """Return an error's message and hint for a person.

    An error that is none of finetui's own is written to the log with its traceback.
    """
    if isinstance(error, FinetuiError):
        return error.message, error.hint
    if isinstance(error, OSError | MemoryError):
        failure = named(error)
        return failure.message, failure.hint
    log_exception(error)
    return (
        f"something unexpected happened: {type(error).__name__}: {error}",
        f"the details are in {shell_path(log_file())}",
    )


class Host(App[int]):
    """The part of the app that screens and dialogs know.

    Attributes:
        workspace: The open workspace; screens hand it, or its store, to the engine.
        job: The job that the title line shows, None when nothing runs.
        server: The workspace's server that it shows, None where none runs.
        scan: The scan that it shows, None when nothing is read.
        writer: Makes decisions and edits, in the order of the keys, off the event loop.
        scans: Reads sources; a scan goes on whatever stage is shown.
        setup: finetui's own installation, None where nothing is lacking.
        check: The checks that the title line shows, None when nothing is checked.
        checks: Checks examples; they go on whatever stage is shown.
        tokens: What was typed for addresses that ask for a token.
        cheat_shown: Whether the line of keys is shown.
        rescued: Whether what was decided was saved outside of a database that was replaced.
        unexpected: Exceptions without a name that were caught and logged, newest last;
            tests assert that there are none.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        install_guard()
        self._typed = TypeAhead(self, super().on_event)
        self._told: tuple[object, str] | None = None
        # Nothing moves by itself, and nothing costs more on a slow line than it must.
        self.animation_level = "none"
        self.workspace = workspace
        self.job: Job | None = None
        self.server: Server | None = None
        self.scan: Scan | None = None
        self.tokens = Tokens()
        self.writer = Writer(workspace.store)
        self.scans = Scans(self, workspace.root, self.tokens)
        self.setup: Setup | None = None
        self.check: Check | None = None
        self.checks = Checks(self, workspace.root, workspace.settings.check)
        self.cheat_shown = workspace.settings.display.cheat_line
        self.rescued = False
        self.unexpected: list[BaseException] = []
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = workspace.settings.display.theme
        self.stylesheet = KeptStylesheet(variables=self.get_css_variables())
        self.set_keymap(workspace.settings.keys)

    # -- what screens ask for; the app does it -----------------------------------------

    def look_for_jobs(self) -> None:
        """Look for job and server now: a screen has just started or stopped one."""
        raise NotImplementedError

    def database_lost(self, error: WorkspaceReplaced) -> None:
        """Offer to save what was decided; the database was removed or replaced. Once."""
        raise NotImplementedError

    async def open_example(self, example_id: str) -> None:
        """Go to Curate and show an example there, whatever part of the queue it shows."""
        raise NotImplementedError

    async def open_filter(self, which: Filter) -> None:
        """Go to Curate and show a part of the queue there."""
        raise NotImplementedError

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

    def release_keys(self) -> None:
        """Hand on the keys that a screen held and holds no more."""
        self.call_next(self._typed.look)

    def drop_keys(self) -> int:
        """Forget the keys that wait for their turn; return how many there were."""
        return self._typed.drop()

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
        """Say that a key has no meaning here, or none now, once until another key has one."""
        told = (self.screen, key)
        say = getattr(self.screen, "say", None)
        if say is not None and told != self._told:
            self._told = told
            refused = getattr(self.screen, "refusal_of_key", None)
            reason, hint = refused(key) if refused is not None else ("", "")
            if reason:
                say(reason, hint=hint)
            else:
                say(f"{key_name(key)} does nothing here", hint="? shows the keys")

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
        self.complain(error.error if isinstance(error, WorkerFailed) else error)

    def _handle_exception(self, error: Exception) -> None:
        """Take over from Textual, which would print a traceback with private text, and end."""
        self.survive(error)

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
        if not self._show(error):
            self._end(error)

    def _show(self, error: BaseException) -> bool:
        """Show an error on the first screen that can; one that can't even be made is closed."""
        for screen in reversed(self.screen_stack):
            complain = getattr(screen, "complain", None)
            if complain is None:
                continue
            try:
                complain(error)
            except Exception as second:
                log_exception(second, "showing an error")
                if isinstance(screen, ModalScreen):
                    self.call_next(screen.dismiss, None)
                continue
            return True
        return False

    def keys_of(self, action: Action) -> tuple[str, ...]:
        """Return the keys that an action is on, after the settings' own keys."""
        own = self.workspace.settings.keys.get(action.id)
        return tuple(key.strip() for key in own.split(",")) if own else action.keys
