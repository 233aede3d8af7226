"""Keys that every dialog has."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("dialog.accept", "enter", "ok", "Do what the dialog says"),
    Action("dialog.cancel", "escape", "leave", "Close the dialog and change nothing"),
)
