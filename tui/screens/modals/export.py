"""Where and in which format a dataset is written."""

from __future__ import annotations

from pathlib import Path

from textual import getters, on
from textual.app import ComposeResult

from engine.errors import UsageError
from engine.paths import shorten
from tui.actions import bindings
from tui.screens.modals.add import PathSuggester
from tui.screens.modals.dialog import Dialog
from tui.widgets.field import Field
from tui.widgets.rows import FixedRows, RowList

FORMATS = (
    ("chat", "messages with roles: trl, axolotl, unsloth, hosted APIs"),
    ("instruction", "prompt and completion, one question a row"),
    ("completion", "plain text with <|user|> and <|assistant|>"),
)
"""The engine's formats, and what reads them."""


class ExportDialog(Dialog[tuple[str, Path]]):
    """A list of formats and a path; returns both.

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

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__()
        self._name = name
        self._folder = folder

    def compose_box(self) -> ComposeResult:
        """The formats and the path."""
        yield FixedRows(id="write-formats")
        field = Field(self._proposed("chat"), placeholder="a .jsonl file, or a folder")
        field.id = "write-path"
        field.suggester = PathSuggester()
        yield field

    def on_mount(self) -> None:
        """Fill the list."""
        self.title_box(f"Export {self._name}")
        self.rows.show([[(f"{name:<13}", "strong"), (what, "muted")] for name, what in FORMATS])
        self.field.cursor_position = len(self.field.value)
        self.say("a .jsonl file takes all rows; a folder gets train and validation apart")

    def _proposed(self, format: str) -> str:
        return f"{shorten(self._folder, 200)}/{self._name}-{format}.jsonl"

    @property
    def _format(self) -> str:
        return FORMATS[self.rows.cursor][0]

    @on(RowList.Moved, "#write-formats")
    def _other_format(self) -> None:
        proposals = {self._proposed(name) for name, _ in FORMATS}
        if self.field.value in proposals:  # a path of one's own stays
            self.field.value = self._proposed(self._format)
            self.field.cursor_position = len(self.field.value)

    def action_next(self) -> None:
        """Next format."""
        self.rows.move_to((self.rows.cursor + 1) % len(FORMATS))

    def action_before(self) -> None:
        """Format before."""
        self.rows.move_to((self.rows.cursor - 1) % len(FORMATS))

    def action_accept(self) -> None:
        """Give format and path back."""
        typed = self.field.value.strip()
        if not typed:
            raise UsageError("there is no path to write to", hint="type a file or a folder")
        self.dismiss((self._format, Path(typed).expanduser()))
