"""Keys of dialogs in which one line is taken."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("pick.down", "j,down", "down", "Next line", False),
    Action("pick.up", "k,up", "up", "Line before", False),
    Action("pick.page-down", "pagedown", "page", "A page further", False),
    Action("pick.page-up", "pageup", "page back", "A page back", False),
)
