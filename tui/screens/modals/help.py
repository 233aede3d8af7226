"""The keys of a stage, with a sentence each."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.actions import FRAME, Action, actions, bindings, key_name
from tui.screens.modals.dialog import Dialog


class HelpDialog(Dialog[None]):
    """Every key that works on a stage. ``?`` again closes it.

    Args:
        stage: The stage's mode.
    """

    HEADING = "Keys"
    GROUP = "help"
    BINDINGS = bindings("help")

    def __init__(self, stage: str) -> None:
        super().__init__()
        self._stage = stage

    def compose_box(self) -> ComposeResult:
        """List the stage's keys, then those that work everywhere."""
        with VerticalScroll(id="help-body"):
            yield Static(self._listing(), id="help-text", markup=False)

    def _listing(self) -> Content:
        groups = ((self._stage.capitalize(), actions(self._stage)), ("Everywhere", actions(FRAME)))
        width = max(len(self._keys(action)) for _, group in groups for action in group)
        parts: list[tuple[str, str]] = []
        for heading, group in groups:
            parts.append((f"{heading}\n", "bold $text-primary"))
            for action in group:
                parts.append((self._keys(action).rjust(width) + "  ", "$text-accent bold"))
                parts.append((f"{action.help}\n", ""))
                parts.append((" " * (width + 2) + f"{action.id}\n", "$text-muted"))
            parts.append(("\n", ""))
        parts.append(
            ("Put an action on another key in finetui.toml:\n  [keys]\n", "$text-muted"),
        )
        parts.append((f'  "{actions(self._stage)[0].id}" = "f5"\n', "$text-muted"))
        return Content.assemble(*parts)

    def _keys(self, action: Action) -> str:
        return " ".join(key_name(key) for key in self.app.keys_of(action))

    def action_close(self) -> None:
        """Close the help."""
        self.dismiss(None)

    def action_scroll_down(self) -> None:
        """Scroll down a line."""
        self.query_one("#help-body", VerticalScroll).scroll_down(animate=False)

    def action_scroll_up(self) -> None:
        """Scroll up a line."""
        self.query_one("#help-body", VerticalScroll).scroll_up(animate=False)
