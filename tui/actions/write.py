"""Keys of the dialog that exports a dataset."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("write.next", "down,tab", "format", "Next format", priority=True),
    Action("write.before", "up,shift+tab", "format before", "Format before", False, priority=True),
)
