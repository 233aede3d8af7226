"""Keys of dialogs with a list to choose from."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("choose.mark", "space", "choose", "Choose the line, or take the choice back"),
    Action("choose.down", "j,down", "down", "Next line", False),
    Action("choose.up", "k,up", "up", "Line before", False),
    Action("choose.page-down", "pagedown", "page", "A page further", False),
    Action("choose.page-up", "pageup", "page back", "A page back", False),
    Action("choose.clear", "c", "clear", "Choose nothing: show everything"),
)
