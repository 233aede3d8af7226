"""Keys of the list of other answers."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("answers.down", "j,down", "next", "Next answer"),
    Action("answers.up", "k,up", "before", "Answer before", False),
    Action("answers.scroll-down", "space,pagedown", "scroll", "Scroll the answer down"),
    Action("answers.scroll-up", "pageup", "scroll back", "Scroll the answer up", False),
)
