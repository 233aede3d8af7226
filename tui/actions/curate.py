"""Keys of the Curate screen."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("curate.approve", "a", "approve", "Approve, and go to the next undecided"),
    Action("curate.reject", "r", "reject", "Reject, and go to the next undecided"),
    Action("curate.edit", "e", "edit", "Edit the text here"),
    Action("curate.skip", "s", "skip", "Leave it for later, and go to the next undecided"),
    Action("curate.undo", "u", "undo", "Undo the last decision or edit; again for the one before"),
    Action("curate.search", "slash", "search", "Find text in the queue"),
    Action("curate.filter", "f", "filter", "Choose which part of the queue is shown"),
    Action("curate.near", "c", "near ones", "Show the near-duplicates of the card"),
    Action("curate.why", "i", "why flagged", "Say why the card is flagged, and what was measured"),
    Action("curate.tokens", "t", "tokens", "Show which tokens of the card are trained"),
    Action("curate.redact", "x", "redact", "Put placeholders for secrets and personal data"),
    Action("curate.swap-panes", "tab,w", "queue", "Swap queue and card when folded"),
    Action("curate.answers", "o", "other answers", "Show the other answers, and take one instead"),
    Action("curate.versions", "v", "versions", "Show the older and the newer text side by side"),
    Action("curate.question", "q", "question", "Let a model word the question of a note"),
    Action("curate.next-undecided", "n", "next", "Go to the next undecided example"),
    Action("curate.editor", "E", "editor", "Edit the text in your editor"),
    Action("curate.redo", "U,ctrl+r", "redo", "Do again what was undone"),
    Action("curate.check", "C", "check", "Check what is new or changed, or stop it", False),
    Action("curate.down", "j,down", "down", "Next example", False),
    Action("curate.up", "k,up", "up", "Example before", False),
    Action("curate.page-down", "pagedown", "page", "A page further in the queue", False),
    Action("curate.page-up", "pageup", "page back", "A page back in the queue", False),
    Action("curate.first", "home", "first", "First example of the queue", False),
    Action("curate.last", "end", "last", "Last example of the queue", False),
    Action("curate.card-down", "space,J", "scroll", "Scroll the card down", False),
    Action("curate.card-up", "K", "scroll back", "Scroll the card up", False),
    Action("curate.clear", "escape", "all", "Show the whole queue again", False),
)
