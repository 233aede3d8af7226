"""Keys of the dialog that shows near-duplicates."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("near.best", "b", "keep the best", "Keep the best and reject its duplicates"),
    Action("near.farther", "left", "lower", "Lower the similarity that is asked for", True),
    Action("near.nearer", "right", "raise", "Raise the similarity that is asked for"),
    Action("near.down", "j,down", "down", "Next example", False),
    Action("near.up", "k,up", "up", "Example before", False),
    Action("near.scroll-down", "space,pagedown", "scroll", "Scroll both texts down", False),
    Action("near.scroll-up", "pageup", "scroll back", "Scroll both texts up", False),
)
