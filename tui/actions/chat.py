"""Keys of the Chat screen."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    # Votes stand first: they are offered only when they can be given, and matter most then.
    Action("chat.left", "left", "A better", "Vote: A is better"),
    Action("chat.right", "right", "B better", "Vote: B is better"),
    Action("chat.tie", "up", "tie", "Vote: both are equally good"),
    Action("chat.both-bad", "down", "both bad", "Vote: neither is any good"),
    Action("chat.reveal", "space", "reveal", "Show which side is which, and how fast it was"),
    Action("chat.send", "enter,i", "ask", "Ask what stands in the line, or go there to write"),
    Action("chat.next", "n", "next prompt", "Put the next prompt there, held-out ones first"),
    Action("chat.blind", "b", "blind", "Hide or show which side is which, from the next question"),
    Action("chat.models", "m", "models", "Choose run and quantisation"),
    Action("chat.own", "o", "your answer", "Show what you wrote yourself to this prompt"),
    Action("chat.swap-panes", "tab,w", "other side", "Swap A and B when folded"),
    Action("chat.again", "R", "ask again", "Ask the same question with another seed"),
    Action(
        "chat.next-here", "ctrl+n", "next prompt", "The next prompt, also while writing", False,
        priority=True,
    ),
    Action("chat.stop", "escape", "stop", "Stop the answers, or leave the line", False),
    Action("chat.scroll-down", "pagedown", "scroll", "Scroll both answers down", False),
    Action("chat.scroll-up", "pageup", "scroll back", "Scroll both answers up", False),
)  # fmt: skip
