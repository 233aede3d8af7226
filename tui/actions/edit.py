"""Keys of the dialog that edits an example."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("edit.save", "ctrl+s", "save", "Save the text as an edit", priority=True),
    Action(
        "edit.original", "ctrl+r", "as extracted", "Put the text back as it was extracted",
        priority=True,
    ),
)  # fmt: skip
