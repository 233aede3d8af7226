"""An export given to Ollama: what to paste, or sent from here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Label

from engine.errors import OllamaCancelled, OllamaNameTaken, UsageError
from tui.actions import bindings
from tui.bridge.threads import Cancel, off_loop, post
from tui.screens.modals.dialog import FormDialog
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.widgets.textpane import BLANK, Block, TextPane, text
from tui.widgets.words import file_size, one_line, plain

if TYPE_CHECKING:
    from engine.export.ollama.given import ForOllama
    from engine.export.ollama.register import Registered, Step

NO, YES = "no", "yes"
EVERY_S = 0.25
"""Seconds between two messages of how far the sending is."""


class OllamaDialog(FormDialog[None]):
    """Shows an export's files and commands; enter sends it, and escape calls that off.

    Args:
        run_id: The run.
        quant: The quantisation; None takes the newest export.
    """

    HEADING = "Give it to Ollama"
    GROUP = "fields"
    OK = "send"
    BINDINGS = bindings("fields")
    AUTO_FOCUS = "Field"

    pane = getters.query_one("#ollama-what", TextPane)
    name_field = getters.query_one("#ollama-name", Field)
    host_field = getters.query_one("#ollama-host", Field)
    force = getters.query_one("#ollama-force", Choice)

    @dataclass
    class Moved(Message):
        """The sending has moved on."""

        step: Step

        def can_replace(self, message: Message) -> bool:
            """Only the newest matters."""
            return isinstance(message, OllamaDialog.Moved)

    def __init__(self, run_id: str, quant: str | None) -> None:
        super().__init__()
        self._run_id, self._quant = run_id, quant
        self._found: ForOllama | None = None
        self._cancel: Cancel | None = None

    def compose_box(self) -> ComposeResult:
        """What it is, and three fields."""
        yield TextPane(id="ollama-what")
        for name, label, widget, note in (
            ("name", "name", Field(), "in Ollama; a tag behind a colon"),
            ("host", "host", Field(), "empty takes OLLAMA_HOST, else this machine"),
            ("force", "replace", Choice((NO, YES), NO), "a model that has the name"),
        ):
            widget.id = f"ollama-{name}"
            with Horizontal(classes="form-line"):
                yield Label(label, classes="label")
                yield widget
                yield Label(note, classes="note", markup=False)

    def on_mount(self) -> None:
        """Look for the export; keys wait for it."""
        self._load()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _load(self) -> None:
        look = partial(_found, self.app.workspace, self._run_id, self._quant)
        with self.holding_keys():
            found = await off_loop(look)
            self._found = found
            self.title_box(f"{self.HEADING} · {found.quant}")
            self.name_field.value = found.name
            self.name_field.cursor_position = len(found.name)
            self.pane.show(_about(found))

    # -- sending --------------------------------------------------------------------------

    def action_accept(self) -> None:
        """Send it."""
        if self._found is None:
            raise UsageError("there is no export to send", hint="e on Train makes one")
        if self._cancel is None:
            from engine.export.ollama.names import checked

            name = checked(self.name_field.value)
            self._found = replace(self._found, name=name)
            self.pane.show(_about(self._found), top=False)
            self._send(self._found, self.host_field.value.strip(), self.force.value == YES)

    @work(group="send", exclusive=True, exit_on_error=False)
    async def _send(self, found: ForOllama, host: str, replaces: bool) -> None:
        cancel = self._cancel = Cancel()
        tell = _Telling(self, cancel)
        try:
            made = await off_loop(partial(_sent, found, host or None, replaces, tell))
        except OllamaCancelled as called_off:
            self.say(called_off.message, hint=called_off.hint)
        except OllamaNameTaken as taken:
            self.say(taken.message, hint="type another name, or set replace to yes", kind="error")
        else:
            self.pane.show([*_made(made), BLANK, *_about(found)])
            self.say(f"{made.name} is in Ollama", hint=found.commands[1], kind="done")
        finally:
            self._cancel = None

    @on(Moved)
    def _moved(self, event: Moved) -> None:
        event.stop()
        if self._cancel is not None and not self._cancel():
            step = event.step
            share = f"{100 * step.done // step.total}%  " if step.total else ""
            self.say(one_line(f"{share}{step.words}"), hint="esc calls it off", kind="busy")

    def action_cancel(self) -> None:
        """Call the sending off, or close."""
        if self._cancel is None:
            self.dismiss(None)
        elif not self._cancel():
            self._cancel.set()
            self.say("it ends with the next piece", hint="esc", kind="busy")
        else:  # Ollama says nothing: the thread ends with its own limits
            self.dismiss(None)


class _Telling:
    """Hands steps on, now and then, and ends the work where it was called off."""

    def __init__(self, dialog: OllamaDialog, cancel: Cancel) -> None:
        self._dialog, self._cancel = dialog, cancel
        self._last, self._words = float("-inf"), ""

    def __call__(self, step: Step) -> None:
        import time

        if self._cancel():
            raise OllamaCancelled("it was called off", hint="what Ollama has of it stays there")
        now = time.monotonic()
        if now - self._last >= EVERY_S or (step.words != self._words and not step.grows):
            self._last, self._words = now, step.words
            post(self._dialog, OllamaDialog.Moved(step))


def _found(workspace: object, run_id: str, quant: str | None) -> ForOllama:
    from engine.export.ollama.given import for_ollama
    from engine.workspace import Workspace

    assert isinstance(workspace, Workspace)
    return for_ollama(workspace, run_id, quant)


def _sent(found: ForOllama, host: str | None, replaces: bool, tell: _Telling) -> Registered:
    from engine.export.ollama.address import address

    return found.give(address(host), replace=replaces, tell=tell)


def _about(found: ForOllama) -> list[Block]:
    """Return what is given, and what to paste where Ollama runs on this machine."""
    from textual.content import Content

    verb = f"finetui ollama {found.run_dir.name} --quant {found.quant} --create {found.name}"
    size = Content.styled(file_size(found.gguf.stat().st_size), "$text-muted")
    return [
        *(Block(text(f"! {one_line(said)}", "$text-warning")) for said in found.model.remarks),
        Block(text("the same by hand, in a shell", "$text-muted")),
        *(Block(plain(command), indent=2) for command in found.commands),
        Block(text("or", "$text-muted")),
        Block(plain(verb), indent=2),
        BLANK,
        Block(text("GGUF", "bold"), right=size),
        Block(text(one_line(str(found.gguf)), "$text-muted"), indent=2),
        Block(text("Modelfile", "bold")),
        Block(text(one_line(str(found.modelfile)), "$text-muted"), indent=2),
    ]


def _made(made: Registered) -> list[Block]:
    """Return what Ollama has now, and what it answered."""
    head = f"{made.name} is in Ollama {made.version} at {made.address}"
    counted = "Ollama did not say how many tokens it read"
    if made.prompt_tokens is not None:
        counted = f"it read the {made.prompt_tokens:,} tokens of training"
    return [
        Block(text(one_line(head), "$text-success")),
        Block(text(counted, "$text-muted")),
        Block(text("asked", "$text-muted")),
        Block(plain(made.question), indent=2),
        Block(text("it answers", "$text-muted")),
        Block(plain(made.answer.strip()), indent=2),
    ]
