"""Keys of the dialog that exports a dataset."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("write.next", "down", "format", "Next format", priority=True),
    Action("write.before", "up", "format before", "Format before", False, priority=True),
    Action("write.field", "tab", "next field", "Next field", priority=True),
    Action("write.field-before", "shift+tab", "field before", "Field before", False, priority=True),
    Action("write.later", "right", "other value", "The next value of a list", False),
    Action("write.earlier", "left", "value before", "The value before it in a list", False),
)
