"""Keys of a question."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("confirm.yes", "y", "yes", "Do what is asked"),
    Action("confirm.no", "n", "no", "Leave everything as it is"),
)
