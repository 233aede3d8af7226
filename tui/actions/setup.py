"""Keys of the form that says how a source is read."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("setup.next", "down,tab", "next field", "Next field", priority=True),
    Action("setup.before", "up,shift+tab", "field before", "Field before", False, priority=True),
    Action("setup.later", "right", "other value", "The next value of a list", False),
    Action("setup.earlier", "left", "value before", "The value before it in a list", False),
    Action(
        "setup.values", "ctrl+l", "list", "List the values that the field can have",
        priority=True,
    ),
    Action(
        "setup.look", "ctrl+r", "read all", "Read the whole source for the counts below",
        priority=True,
    ),
    Action("setup.scroll-down", "pagedown", "scroll", "Scroll the examples down", False),
    Action("setup.scroll-up", "pageup", "scroll back", "Scroll the examples up", False),
)  # fmt: skip
