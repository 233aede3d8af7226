"""Keys of the dialog that says why an example is flagged."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("why.down", "j,down", "down", "Next finding"),
    Action("why.up", "k,up", "up", "Finding before", False),
    Action("why.page-down", "pagedown", "page", "A page further", False),
    Action("why.page-up", "pageup", "page back", "A page back", False),
    Action("why.scroll-down", "space", "scroll", "Scroll what is said of it down"),
    Action("why.scroll-up", "K", "scroll back", "Scroll what is said of it up", False),
)
