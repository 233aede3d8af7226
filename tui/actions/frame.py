"""Keys that work on every stage."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("frame.sources", "1", "Sources", "Go to Sources: what examples are read from", False),
    Action("frame.curate", "2", "Curate", "Go to Curate: decide the examples one by one", False),
    Action("frame.dataset", "3", "Dataset", "Go to Dataset: freeze what was approved", False),
    Action("frame.train", "4", "Train", "Go to Train: make the model, and export it", False),
    Action("frame.chat", "5", "Chat", "Go to Chat: base and tuned side by side", False),
    Action("frame.help", "question_mark,f1", "keys", "Show the keys of this screen"),
    Action(
        "frame.command-palette", "ctrl+p", "palette", "Find anything that can be done by its name",
        False, priority=True,
    ),
    Action("frame.cheat", "ctrl+k", "hide this line", "Hide or show the line of keys", False),
    Action(
        "frame.quit", "ctrl+q", "leave", "Leave finetui; a run goes on by itself", False,
        priority=True,
    ),
)  # fmt: skip
