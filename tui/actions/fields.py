"""Keys of dialogs with a few fields."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("fields.next", "down,tab", "next field", "Next field", priority=True),
    Action("fields.before", "up,shift+tab", "field before", "Field before", False, priority=True),
    Action("fields.later", "right", "other value", "The next value of a list", False),
    Action("fields.earlier", "left", "value before", "The value before it in a list", False),
)
