"""Keys of the dialog that adds a source."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("add.complete", "tab", "complete", "Complete the path", priority=True),
    Action("add.down", "down", "next", "Next proposal", False),
    Action("add.up", "up", "before", "Proposal before", False),
)
