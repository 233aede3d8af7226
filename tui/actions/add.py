"""Keys of the dialog that adds a source."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("add.complete", "tab", "complete", "Complete the path", priority=True),
    Action("add.down", "down", "next", "Next proposal", False),
    Action("add.up", "up", "before", "Proposal before", False),
    Action(
        "add.setup", "ctrl+o,f2", "kind and settings",
        "Choose the kind, and set how the source is read", priority=True,
    ),
    Action(
        "add.look", "ctrl+r", "read all", "Read the whole source for the counts below",
        False, priority=True,
    ),
    Action("add.scroll-down", "pagedown", "scroll", "Scroll the examples down", False),
    Action("add.scroll-up", "pageup", "scroll back", "Scroll the examples up", False),
)  # fmt: skip
