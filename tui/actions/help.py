"""Keys of the help dialog."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("help.close", "question_mark,f1", "close", "Close the list of keys"),
    Action("help.scroll-down", "j,down", "down", "Scroll down", False),
    Action("help.scroll-up", "k,up", "up", "Scroll up", False),
)
