"""Keys of the dialog that shows two versions."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("versions.down", "j,down", "down", "A line further in both", False),
    Action("versions.up", "k,up", "up", "A line back in both", False),
    Action("versions.scroll-down", "space,pagedown", "scroll", "Scroll both down"),
    Action("versions.scroll-up", "pageup", "scroll back", "Scroll both up", False),
)
