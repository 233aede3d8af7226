"""Keys of the list of what was skipped."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("skips.reason", "right,f", "other reason", "Show only what has the next reason"),
    Action("skips.reason-before", "left", "reason before", "Show the reason before", False),
    Action("skips.down", "j,down", "down", "Next line"),
    Action("skips.up", "k,up", "up", "Line before", False),
    Action("skips.page-down", "pagedown,space", "page", "A page further", False),
    Action("skips.page-up", "pageup", "page back", "A page back", False),
    Action("skips.first", "home", "first", "First line", False),
    Action("skips.last", "end", "last", "Last line", False),
)
