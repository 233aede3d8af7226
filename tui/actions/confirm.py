"""Keys of a question."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (Action("confirm.yes", "y", "yes", "Do it"), Action("confirm.no", "n", "no", "Don't"))
