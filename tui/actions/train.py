"""Keys of the Train screen."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action(
        "train.new", "n,enter", "new run", "Choose dataset, base and hyperparameters, and start"
    ),
    Action("train.stop", "s", "stop", "Save a checkpoint and stop the job under the cursor"),
    Action("train.resume", "r", "resume", "Go on from the last checkpoint"),
    Action("train.export", "e", "export", "Merge, make GGUFs of base and tuned, and try them"),
    Action(
        "train.swap-panes", "tab,w", "other pane", "Swap the runs and the live view when folded"
    ),
    Action("train.log", "l", "log", "Make the log larger, or small again"),
    Action("train.compare", "v", "compare", "Hold this run's curves beside those of the others"),
    Action("train.kill", "K", "kill", "End the job at once, without a checkpoint"),
    Action("train.down", "j,down", "down", "Next run", False),
    Action("train.up", "k,up", "up", "Run before", False),
    Action("train.first", "home", "first", "Newest run", False),
    Action("train.last", "end", "last", "Oldest run", False),
    Action("train.scroll-down", "pagedown", "scroll", "Scroll the log or the result down", False),
    Action("train.scroll-up", "pageup", "scroll back", "Scroll the log or the result up", False),
)
