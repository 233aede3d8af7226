"""The keys of a stage, with a sentence each."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content

from tui.actions import FRAME, Action, actions, bindings
from tui.keys import key_name
from tui.screens.modals.dialog import TextDialog
from tui.widgets.textpane import BLANK, Block, TextPane, text


class HelpDialog(TextDialog[None]):
    """Every key that works on a stage. ``?`` again closes it.

    Args:
        stage: The stage's mode.
        legend: A line that says what the stage's signs mean, or nothing.
    """

    HEADING = "Keys"
    GROUP = "help"
    OK = "close"
    BINDINGS = bindings("help")

    def __init__(self, stage: str, legend: str = "") -> None:
        super().__init__()
        self._stage = stage
        self._legend = legend
        self._with_ids = False

    def compose_box(self) -> ComposeResult:
        """The list."""
        yield TextPane(id="help-text")

    def on_mount(self) -> None:
        """List the stage's keys, then those that work everywhere."""
        self._draw()

    def _draw(self) -> None:
        groups = ((self._stage.capitalize(), actions(self._stage)), ("Everywhere", actions(FRAME)))
        width = max(len(self._keys(action)) for _, group in groups for action in group)
        blocks: list[Block] = []
        for heading, group in groups:
            blocks.append(Block(text(heading, "bold $text-primary")))
            blocks += [self._line(action, width) for action in group]
            blocks.append(BLANK)
        if self._legend:
            blocks += [Block(text(self._legend, "$text-muted")), BLANK]
        example = next(iter(actions(self._stage)), None)
        if self._with_ids and example is not None:
            words = (
                f'To use another key, put this into finetui.toml:\n[keys]\n"{example.id}" = "f5"'
            )
            blocks.append(Block(text(words, "$text-muted")))
        self.pane.show(blocks, top=False)

    def _line(self, action: Action, width: int) -> Block:
        keys = (self._keys(action).rjust(width) + "  ", "$text-accent bold")
        if self._with_ids:
            return Block(Content.assemble(keys, (action.id, "")))
        return Block(Content.assemble(keys, (action.help, "")))

    def _keys(self, action: Action) -> str:
        return " ".join(key_name(key) for key in self.app.keys_of(action))

    def action_ids(self) -> None:
        """Show the names by which settings put actions on other keys, or the help again."""
        self._with_ids = not self._with_ids
        self._draw()

    def action_close(self) -> None:
        """Close the help."""
        self.dismiss(None)
