"""How a server is started: with which model and engine, and on which port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Label

from engine.errors import FinetuiError, PortTaken, UsageError
from tui.actions import bindings
from tui.bridge.serving import EngineSeen, Model, ServerDesk, Token, Wish
from tui.bridge.threads import off_loop
from tui.host import explain
from tui.parts import serve_words as words
from tui.screens.modals.dialog import FormDialog
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.widgets.words import file_size, one_line

if TYPE_CHECKING:
    from tui.widgets.frame import Kind

AUTOMATIC = "automatic"


class ServeStartDialog(FormDialog[Token]):
    """Asks how, and starts the server; what is wrong is said here and can be changed here.

    Args:
        desk: What starts it.
    """

    HEADING = "Start a server"
    GROUP = "fields"
    OK = "start"
    BINDINGS = bindings("fields")
    AUTO_FOCUS = "Choice"

    model = getters.query_one("#serve-model", Choice)
    engine = getters.query_one("#serve-engine", Choice)
    port = getters.query_one("#serve-port", Field)

    def __init__(self, desk: ServerDesk) -> None:
        super().__init__()
        self._desk = desk
        self._models: dict[str, Model] = {}
        self._engines: dict[str, EngineSeen] = {}
        self._best = self._token_note = ""
        self._starting = False

    def compose_box(self) -> ComposeResult:
        """The fields."""
        for name, label, widget in (
            ("model", "model", Choice((), "", empty="looking …")),
            ("engine", "engine", Choice((), "", empty="looking …")),
            ("port", "port", Field(kind="integer")),
        ):
            widget.id = f"serve-{name}"
            with Horizontal(classes="form-line"):
                yield Label(label, classes="label")
                yield widget
                yield Label("", classes="note", markup=False, id=f"serve-{name}-note")

    def on_mount(self) -> None:
        """Look what can be served and with what; keys wait for it."""
        self._load()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _load(self) -> None:
        with self.holding_keys():
            models = await off_loop(self._desk.models)
            for model in models:
                name = one_line(model.name)
                # Two runs may have been given one name.
                name += f" ({model.run_id})" if name in self._models else ""
                self._models[name] = model
            self.port.value = str(self._desk.port)
            self._note("port", await off_loop(self._desk.reach))
            if not models:
                self._say(words.NO_EXPORT, "error")
                return
            await self._look_at(models[0])
            self.model.offer(tuple(self._models), next(iter(self._models)))
            self.engine.offer((AUTOMATIC, *self._engines), self._desk.engine or AUTOMATIC)
            self._note_engine()

    @on(Choice.Changed, "#serve-model")
    def _other_model(self) -> None:
        self._look()

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        await self._look_at(self._models[self.model.value])
        self._note_engine()

    async def _look_at(self, model: Model) -> None:
        """Find which engines can serve a model."""
        self._note("model", f"{model.base}, {file_size(model.size)}")
        engines = await off_loop(self._desk.engines, model)
        self._engines = {engine.name: engine for engine in engines}
        self._best = await off_loop(self._desk.best_engine, model)
        self._token_note = await off_loop(self._desk.token_note)

    @on(Choice.Changed, "#serve-engine")
    def _note_engine(self) -> None:
        """Say what the engine does, or why it can't serve the model."""
        engine = self._engines.get(self.engine.value)
        taken = f"takes {self._best}" if self._best else ""
        self._note("engine", engine.about if engine is not None else taken)
        if engine is None and not self._best:  # what is wrong with the first is what is wrong
            engine = next(iter(self._engines.values()), None)
        if self._starting:
            return
        if engine is not None and engine.problem:
            self._say((engine.problem, engine.fix), "error")
        else:
            self._say((self._token_note, ""), "help")

    def _note(self, field: str, about: str) -> None:
        self.query_one(f"#serve-{field}-note", Label).update(one_line(about))

    def _say(self, said: words.Said, kind: Kind) -> None:
        self.say(said[0], hint=said[1], kind=kind)

    def action_accept(self) -> None:
        """Check the form, and start."""
        if self._starting:
            return
        model = self._models.get(self.model.value)
        if model is None:
            raise UsageError(words.NO_EXPORT[0], hint=words.NO_EXPORT[1])
        engine = self._engines.get(self.engine.value)
        name = engine.name if engine is not None else None
        self._start(Wish(model, name, _port(self.port.value)))

    @work(group="start", exclusive=True, exit_on_error=False)
    async def _start(self, wish: Wish) -> None:
        self._starting = True
        try:
            # What is typed meanwhile belongs to the panel, or to what is said here.
            with self.holding_keys():
                self.say("checking the model, and starting", kind="busy")
                self.dismiss(await off_loop(self._desk.start, wish))
        except PortTaken as error:
            free = await off_loop(self._desk.free_port, wish.port)
            self.port.value = str(free)
            self.port.focus()
            self.say(error.message, hint=f"↵ takes {free} instead", kind="error")
        except FinetuiError as error:
            message, hint = explain(error)
            self.say(message, hint=hint, kind="error")
        finally:
            self._starting = False

    def action_cancel(self) -> None:
        """Close, unless the server is being started: its token would be lost."""
        if not self._starting:
            self.dismiss(None)


def _port(typed: str) -> int:
    """Return the port that was typed.

    Raises:
        UsageError: It is none.
    """
    port = int(typed) if typed.strip().isdecimal() else -1
    if not 0 <= port <= 65535:
        raise UsageError(
            f"{typed.strip() or 'nothing'} is not a port",
            hint="type a number from 1 to 65535, or 0 for a free one",
        )
    return port
