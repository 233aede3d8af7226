"""Keys of the form that starts a run."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("form.start", "ctrl+s", "start", "Check the form and start the run", priority=True),
    Action("form.next", "down,tab", "next field", "Next field", priority=True),
    Action("form.before", "up,shift+tab", "field before", "Field before", False, priority=True),
    Action("form.later", "right", "other value", "The next value of a list", False),
    Action("form.earlier", "left", "value before", "The value before it in a list", False),
    Action("form.reset", "ctrl+r", "preset", "Put the preset's values back", priority=True),
)
