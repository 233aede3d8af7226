"""The Serve panel: a workspace's server, started, watched, given another model, stopped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual import events, getters, on, work
from textual.app import ComposeResult

from engine.errors import FinetuiError
from tui.actions import Action, bindings
from tui.bridge.serving import Model, Seen, ServerDesk, ServerLooked, Token, watch_panel
from tui.bridge.threads import Poller, off_loop
from tui.host import explain
from tui.messages import PartFailed
from tui.parts import serve_words as words
from tui.parts.serve_view import ServerView
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.dialog import Dialog
from tui.screens.modals.pick import PickDialog
from tui.screens.modals.serve_start import ServeStartDialog

if TYPE_CHECKING:
    from tui.widgets.frame import Kind

_COPIES = frozenset({"copy_lines", "copy_curl", "copy_address"})
_OF_THE_SERVER = _COPIES | {"start", "reload", "stop", "copy_token"}


class ServeDialog(Dialog[None]):
    """Shows the server and does what keys ask of it; the server itself needs no panel.

    Args:
        desk: What is asked of the server.
    """

    HEADING = "Serve"
    GROUP = "serve"
    ACCEPTS = False
    BINDINGS = bindings("serve")

    view = getters.query_one(ServerView)

    def __init__(self, desk: ServerDesk) -> None:
        super().__init__()
        self._desk = desk
        self._seen: Seen | None = None
        self._models: list[Model] | None = None
        self._awaited = ""
        """Which news is said when it comes: "start" or "stop"."""
        self._begun = ""
        """The process of the server that was started here."""
        self._poller: Poller | None = None

    def compose_box(self) -> ComposeResult:
        """The server's two halves."""
        yield ServerView()

    def on_resize(self, event: events.Resize) -> None:
        """Offer to swap the halves where they are folded, which is known a turn later."""
        self.call_later(self.refresh_cheat)

    # -- looking ----------------------------------------------------------------------

    def on_mount(self) -> None:
        """Look, before any key is taken."""
        self.load()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def load(self) -> None:
        """Show the server, and find what it could serve."""
        with self.holding_keys():
            self._take(await off_loop(self._desk.look))
            self._models = await off_loop(self._desk.models)
            self._show()

    def on_screen_resume(self) -> None:
        """Look twice a second while the panel is in front."""
        if self._poller is None:
            self._poller = watch_panel(self, self._desk, self._seen)
            self._poller.start()

    def on_screen_suspend(self) -> None:
        """Look no more: another dialog is in front."""
        self._rest()

    def on_unmount(self) -> None:
        """Look no more."""
        self._rest()

    def _rest(self) -> None:
        if self._poller is not None:
            self._poller.stop()
            self._poller = None

    def _hurry(self) -> None:
        if self._poller is not None:
            self._poller.hurry()

    @on(ServerLooked)
    def _looked(self, event: ServerLooked) -> None:
        event.stop()
        self._take(event.seen)

    @on(PartFailed)
    def _look_failed(self, event: PartFailed) -> None:
        event.stop()
        self.app.complain(event.error)

    def _take(self, seen: Seen) -> None:
        before, self._seen = self._seen, seen
        if not seen.running:
            self.view.show_token("")
            self.remove_class("-second")
        self._show()
        self._tell(before, seen)
        if before is not None and before.model != seen.model:
            self.app.look_for_jobs()  # the title line says it, too

    def _show(self) -> None:
        seen = self._seen
        if seen is None:
            return
        exports = len(self._models) if self._models is not None else None
        self.view.show(seen, exports, self._desk.key(seen), made=bool(self._token))
        self.refresh_cheat()

    def _tell(self, before: Seen | None, seen: Seen) -> None:
        """Say what somebody waits for, or should know."""
        phase = seen.state.phase if seen.state is not None and seen.running else ""
        ended = not seen.running and (
            (before is not None and before.running)
            # One that has failed between two looks was never seen to run.
            or (self._awaited == "start" and seen.process == self._begun)
        )
        if self._awaited == "start" and phase == "serving":
            self._awaited = ""
            self._say(words.started_words(seen), "done")
        elif ended:
            stopped, self._awaited = self._awaited == "stop", ""
            if seen.error:
                self.say(seen.error, hint=seen.hint, kind="error")
            else:
                self.say("the server has stopped", kind="done" if stopped else "info")

    def _say(self, said: words.Said, kind: Kind = "info") -> None:
        self.say(said[0], hint=said[1], kind=kind)

    @property
    def _token(self) -> str:
        return self._desk.token_of(self._seen) if self._seen is not None else ""

    # -- which keys work --------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done now."""
        if action == "swap_panes":
            listens = self._seen is not None and self._seen.running
            if not (listens and self.has_class("-narrow")):
                return False
        if action in _OF_THE_SERVER and (self._seen is None or self.refusal(action)[0]):
            return False
        return super().check_action(action, parameters)

    def refusal(self, action: str) -> words.Said:
        """Return why an action can do nothing now, and what to do instead; empty where it can."""
        seen = self._seen
        if seen is None or action not in _OF_THE_SERVER:
            return "", ""
        if action == "start":
            if seen.running:
                return "a workspace has one server, and it runs", "r gives it another model"
            return words.NO_EXPORT if self._models == [] else ("", "")
        if not seen.running:
            return words.NO_SERVER
        if seen.stopping:
            return words.STOPPING
        if action == "reload":
            if seen.host:
                return words.NOT_HERE
            if seen.state is None or not seen.state.socket:
                return words.STARTING
            return words.NO_EXPORT if self._models == [] else ("", "")
        if action == "copy_token":
            return ("", "") if self._token else ("no token was made here for this server", "")
        if action in _COPIES and (seen.state is None or not seen.state.url):
            return words.STARTING
        return "", ""

    def refusal_of_key(self, key: str) -> words.Said:
        """Return why the action on a key is not offered now; empty if unknown."""
        from tui.actions import actions

        for action in actions(self.GROUP):
            if key in self.app.keys_of(action):
                return self.refusal(action.method)
        return "", ""

    def label_of(self, action: Action) -> str:
        """Call the other half by what it shows."""
        if action.id == "serve.swap-panes":
            return "the server" if self.has_class("-second") else "for programs"
        return super().label_of(action)

    # -- what keys do -----------------------------------------------------------------

    def action_accept(self) -> None:
        """Nothing: enter closes no panel that shows a token once."""

    def action_start(self) -> None:
        """Choose a model, an engine and a port."""
        self.app.ask(ServeStartDialog(self._desk), self._started)

    def _started(self, token: Token) -> None:
        self._awaited, self._begun = "start", token.process
        if token.made:
            self.view.show_token(token.value)
        self.say("the server is starting", hint="it loads the model", kind="busy")
        self._hurry()

    def action_stop(self) -> None:
        """Stop the server; ask first where it has requests."""
        if self._seen is not None and self._seen.active:
            question = ConfirmDialog(*words.stop_question(self._seen))
            self.app.ask(question, lambda sure: self._stop() if sure else None)
        else:
            self._stop()

    @work(group="stop", exclusive=True, exit_on_error=False)
    async def _stop(self) -> None:
        self._awaited = "stop"
        self._say(words.STOPPING, "busy")
        if not await off_loop(self._desk.stop):
            self._awaited = ""
            self._say(words.NO_SERVER)
        self._hurry()

    def action_reload(self) -> None:
        """Choose another run or quantisation for the same address."""
        dialog = ModelDialog(self._desk, self._seen)
        self.app.ask(dialog, lambda at: self._reload(dialog.found[at]))

    def _reload(self, model: Model) -> None:
        # Of the app, since the change goes on when the panel is closed.
        change = self._change(model)
        self.app.run_worker(change, group="serve-reload", exclusive=False, exit_on_error=False)

    async def _change(self, model: Model) -> None:
        self.say(f"loading {model.name}", hint="requests go on meanwhile", kind="busy")
        try:
            done = await off_loop(self._desk.reload, model)
        except FinetuiError as error:
            message, hint = explain(error)
            left = words.goes_on_words(await off_loop(self._desk.look))
            self._say_in_front(message, " · ".join(filter(None, (left, hint))), "error")
        else:
            self._say_in_front(*words.reloaded_words(done), "done")
        self._hurry()

    def _say_in_front(self, message: str, hint: str, kind: Kind) -> None:
        """Say something here, or on what is in front once the panel is closed."""
        screen = self if self.is_attached else self.app.screen
        say = getattr(screen, "say", None)
        if say is not None:
            say(message, hint=hint, kind=kind)

    # -- copying ----------------------------------------------------------------------

    def _copy(self, text: str, what: str) -> None:
        self.app.copy_to_clipboard(text)
        self.say(f"copied {what}", hint="where the terminal supports it (OSC 52)", kind="done")

    def action_copy_lines(self) -> None:
        """Copy the lines for OpenAI's clients."""
        if self._seen is not None and self._seen.state is not None:
            lines = words.export_lines(self._seen.state, self._desk.key(self._seen))
            self._copy(lines + "\n", "the lines with address and key")

    def action_copy_curl(self) -> None:
        """Copy the curl line."""
        if self._seen is not None and self._seen.state is not None:
            self._copy(words.curl_line(self._seen.state), "the curl line")

    def action_copy_address(self) -> None:
        """Copy the address."""
        if self._seen is not None and self._seen.state is not None:
            self._copy(self._seen.state.url, "the address")

    def action_copy_token(self) -> None:
        """Copy the token that was made here."""
        self._copy(self._token, "the token")

    # -- reading ----------------------------------------------------------------------

    def action_swap_panes(self) -> None:
        """Show the other half on a narrow terminal."""
        self.toggle_class("-second")
        self.refresh_cheat()

    def action_scroll_down(self) -> None:
        """Scroll down."""
        self.view.page(1)

    def action_scroll_up(self) -> None:
        """Scroll up."""
        self.view.page(-1)


class ModelDialog(PickDialog):
    """Takes the model that a running server changes to; it looks itself which there are.

    Args:
        desk: What knows the exports.
        serving: The server, whose model is marked.

    Attributes:
        found: The models, in the order of the lines.
    """

    HEADING = "Put behind the same address"
    OK = "load it"

    def __init__(self, desk: ServerDesk, serving: Seen | None) -> None:
        super().__init__([[("looking for exports …", "muted")]])
        self._desk = desk
        self._serving = serving
        self.found: list[Model] = []

    def on_mount(self) -> None:
        """Look which there are."""
        self.load()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def load(self) -> None:
        """Show the models, with the cursor on the newest that does not answer yet."""
        with self.holding_keys():
            self.found = await off_loop(self._desk.models)
            rows = words.model_rows(self.found, time.time(), self._serving)
            other = next((at for at, row in enumerate(rows) if not row[0][0].strip()), 0)
            self.fill(rows or [[(words.NO_EXPORT[0], "row")]], other)

    def action_accept(self) -> None:
        """Give the line's number back, where there is a model."""
        self.dismiss(self.rows.cursor if self.found else None)
