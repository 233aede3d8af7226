"""What the command palette finds: every action of every stage, sources, runs, settings, doctor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.screen import Screen
from textual.style import Style

from engine.errors import FinetuiError
from engine.log import log_exception
from engine.paths import shorten
from engine.workspace import Workspace
from tui.actions import FRAME, STAGES, Action, actions
from tui.bridge.threads import off_loop
from tui.keys import key_name
from tui.widgets.words import one_line


class Opener(Protocol):
    """What the palette asks of the app."""

    workspace: Workspace

    @property
    def front(self) -> str:
        """The mode of the stage in front, empty before the first."""

    def keys_of(self, action: Action) -> tuple[str, ...]:
        """Return the keys that an action is on."""

    async def run_action(self, action: str) -> bool:
        """Carry out an action of the frame."""

    async def act_on(self, mode: str, action: Action) -> None:
        """Go to a stage and carry out one of its actions."""

    async def open_source(self, source_id: str) -> None:
        """Go to Sources and select a source."""

    async def open_run(self, run_id: str) -> None:
        """Go to Train and select a run."""

    def action_settings(self) -> None:
        """Show every setting."""

    def action_doctor(self) -> None:
        """Show what is installed."""

    def action_change_theme(self) -> None:
        """Let a theme be chosen."""


SCATTERED = 0.5
"""What letters scattered over a name count against the words as they were typed."""

IN_HELP = 0.4
"""What words in the sentence of help count."""


@dataclass(frozen=True, slots=True)
class Command:
    """One line of the palette.

    Attributes:
        name: What it is called, with the stage where it works: ``Curate: approve``.
        keys: The keys that do the same, as the help writes them.
        help: A sentence.
        run: What it does.
    """

    name: str
    keys: str
    help: str
    run: Callable[[], Any]

    @property
    def line(self) -> str:
        """The name, and the keys behind it."""
        return f"{self.name}  {self.keys}" if self.keys else self.name


class Commands(Provider):
    """Everything that can be done or gone to, found by name.

    The actions of the stage in front come first. Those of other stages lead there; one that
    can't be done at present says so there.
    """

    def __init__(self, screen: Screen[Any], match_style: Style | None = None) -> None:
        super().__init__(screen, match_style)
        self._places: list[Command] = []

    @property
    def _app(self) -> Opener:
        return cast("Opener", self.app)

    async def startup(self) -> None:
        """Read the names of sources and runs; without them the actions are still found."""
        for read in (self._sources, self._runs):
            try:
                self._places += await read()
            except FinetuiError as error:
                log_exception(error, "reading names for the palette")

    async def _sources(self) -> list[Command]:
        found = await off_loop(self._app.workspace.store.sources)
        return [
            Command(
                f"Source: {one_line(shorten(source.root, 60))}",
                "",
                f"Show this {source.kind} source on Sources",
                partial(self._app.open_source, source.id),
            )
            for source in found
        ]

    async def _runs(self) -> list[Command]:
        from engine.runs import run_dirs  # the run protocol, first needed here

        found = await off_loop(run_dirs, self._app.workspace)
        return [
            Command(
                f"Run: {directory.name}",
                "",
                "Show this run on Train",
                partial(self._app.open_run, directory.name),
            )
            for directory in found
        ]

    def commands(self) -> Iterator[Command]:
        """Yield every command, those of the stage in front first."""
        front = self._app.front
        for name in sorted(STAGES, key=lambda name: name != front):
            for action in actions(name):
                yield self._command(action, partial(self._app.act_on, name, action))
        for action in actions(FRAME):
            if action.method not in ("command_palette", *STAGES):
                yield self._command(action, partial(self._app.run_action, action.method))
        for action in actions(FRAME):
            if action.method in STAGES:
                yield self._command(action, partial(self._app.run_action, action.method))
        yield Command(
            "Settings: every setting and its value",
            "",
            "Show what is set, where it is set, and what it is for",
            self._app.action_settings,
        )
        yield Command(
            "Doctor: what is installed",
            "",
            "Show what is installed, which trainer and GPU will be used, and what is missing",
            self._app.action_doctor,
        )
        yield Command("Theme", "", "Choose another theme", self._app.action_change_theme)
        yield from self._places

    def _command(self, action: Action, run: Callable[[], Any]) -> Command:
        keys = " ".join(key_name(key) for key in self._app.keys_of(action))
        group = "finetui" if action.group == FRAME else action.group.capitalize()
        return Command(f"{group}: {action.label}", keys, action.help, run)

    async def discover(self) -> Hits:
        """List everything, before anything is typed."""
        for command in self.commands():
            yield DiscoveryHit(Content(command.line), command.run, command.name, command.help)

    async def search(self, query: str) -> Hits:
        """Find commands by name, else by their sentence of help.

        Args:
            query: What was typed.
        """
        for command in self.commands():
            score, at = self._match(query, command)
            if score:
                # Not the matcher's own highlighting, which reads names as markup.
                shown = Content(command.line)
                for offset in at:
                    shown = shown.stylize(self.match_style or Style(), offset, offset + 1)
                yield Hit(score, shown, command.run, command.name, command.help)

    def _match(self, query: str, command: Command) -> tuple[float, Sequence[int]]:
        """Return how well a command fits, 0 to 1, and which of its letters were meant.

        Words as they were typed come first, then letters scattered over the name.
        """
        typed, name = query.casefold().strip(), command.name.casefold()
        at = name.find(typed)
        if at >= 0:
            begins = at == 0 or not name[at - 1].isalnum()
            return (1.0 if at == 0 else 0.9 if begins else 0.8), range(at, at + len(typed))
        score, offsets = self.matcher(query).fuzzy_search.match(query, command.name)
        if score:
            return SCATTERED * score / (score + 10), offsets  # its own scores have no bound
        return (IN_HELP if typed in command.help.casefold() else 0.0), ()
