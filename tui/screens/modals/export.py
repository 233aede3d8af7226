"""Where and in which format a dataset is written."""

from __future__ import annotations

from pathlib import Path

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Label

from engine.dataset.formats import CONTAINERS, FORMATS, Format
from engine.errors import UsageError
from engine.paths import shorten
from tui.actions import bindings
from tui.bridge.datasets import ExportChoice
from tui.screens.modals.add import PathSuggester
from tui.screens.modals.dialog import FormDialog
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.widgets.rows import FixedRows, RowList
from tui.widgets.words import fit

SUFFIXES = {"jsonl": ".jsonl", "parquet": ".parquet", "hf": ""}
NO, YES = "no", "yes"


class ExportDialog(FormDialog[ExportChoice]):
    """A list of formats, a path, and what is written into it.

    Args:
        name: The dataset.
        folder: Where the path starts.
    """

    GROUP = "write"
    OK = "write"
    BINDINGS = bindings("write")
    AUTO_FOCUS = "Field"

    rows = getters.query_one("#write-formats", FixedRows)
    field = getters.query_one("#write-path", Field)
    container = getters.query_one("#write-container", Choice)
    metadata = getters.query_one("#write-metadata", Choice)
    system = getters.query_one("#write-system", Choice)
    prompt = getters.query_one("#write-prompt", Field)

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__()
        self._name = name
        self._folder = folder
        self._formats: list[Format] = list(FORMATS.values())

    def compose_box(self) -> ComposeResult:
        """The formats and the path."""
        yield FixedRows(id="write-formats")
        field = Field(self._proposed("chat", "jsonl"), placeholder="a file, or a folder")
        field.id = "write-path"
        field.suggester = PathSuggester()
        with Horizontal(classes="form-line"):
            yield Label("path", classes="label")
            yield field
        for name, label, widget, note in (
            ("container", "files", Choice(tuple(CONTAINERS), "jsonl"), ""),
            ("metadata", "metadata", Choice((NO, YES), NO), "where each row comes from"),
            ("system", "system", Choice((YES, NO), YES), "whether system messages are written"),
            ("prompt", "system prompt", Field(), "put before rows without one; or empty"),
        ):
            widget.id = f"write-{name}"
            with Horizontal(classes="form-line"):
                yield Label(label, classes="label")
                yield widget
                yield Label(note, classes="note", markup=False, id=f"write-{name}-note")

    def on_mount(self) -> None:
        """Fill the list."""
        self.title_box(f"Export {self._name}")
        self.rows.styles.height = len(self._formats)
        self.rows.show(
            [[(fit(one.name, 14), "strong"), (one.line, "muted")] for one in self._formats]
        )
        self.field.cursor_position = len(self.field.value)
        self._note_container()
        self.say("a file takes all rows; a folder gets each split apart")

    def _proposed(self, format: str, container: str) -> str:
        return f"{shorten(self._folder, 200)}/{self._name}-{format}{SUFFIXES[container]}"

    @property
    def _format(self) -> Format:
        return self._formats[self.rows.cursor]

    def _note_container(self) -> None:
        note = self.query_one("#write-container-note", Label)
        note.update(CONTAINERS[self.container.value])

    @on(RowList.Moved, "#write-formats")
    @on(Choice.Changed, "#write-container")
    def _other(self) -> None:
        if self._format.container and self.container.value != self._format.container:
            self.container.value = self._format.container
            self.say(f"{self._format.name} is read as {self._format.container} alone")
        if not self._format.metadata and self.metadata.value == YES:
            self.metadata.value = NO
            self.say(f"{self._format.name} has no place for metadata")
        self._note_container()
        proposals = {self._proposed(one, files) for one in FORMATS for files in SUFFIXES}
        if self.field.value in proposals:  # a path of one's own stays
            self.field.value = self._proposed(self._format.name, self.container.value)
            self.field.cursor_position = len(self.field.value)

    @on(Choice.Changed, "#write-metadata")
    def _other_metadata(self) -> None:
        self._other()

    def action_next(self) -> None:
        """Next format."""
        self.rows.move_to((self.rows.cursor + 1) % len(self._formats))

    def action_before(self) -> None:
        """Format before."""
        self.rows.move_to((self.rows.cursor - 1) % len(self._formats))

    def action_field(self) -> None:
        """Next field."""
        self.focus_next()

    def action_field_before(self) -> None:
        """Field before."""
        self.focus_previous()

    def action_accept(self) -> None:
        """Give back what was chosen."""
        typed = self.field.value.strip()
        if not typed:
            raise UsageError("there is no path to write to", hint="type a file or a folder")
        self.dismiss(
            ExportChoice(
                format=self._format.name,
                path=Path(typed).expanduser(),
                container=self.container.value,
                metadata=self.metadata.value == YES,
                system=self.system.value == YES,
                system_prompt=self.prompt.value.strip(),
            )
        )
