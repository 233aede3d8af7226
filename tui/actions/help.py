"""Keys of the help dialog."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("help.close", "question_mark,f1", "close", "Close the list of keys"),
    Action("help.ids", "i", "names for settings", "Show the names by which settings name actions"),
    Action("help.scroll-down", "j,down", "down", "Scroll down"),
    Action("help.scroll-up", "k,up", "up", "Scroll up", False),
    Action("help.page-down", "pagedown,space", "page", "Scroll down a page", False),
    Action("help.page-up", "pageup", "page back", "Scroll up a page", False),
)
