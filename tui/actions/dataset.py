"""Keys of the Dataset screen."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("dataset.freeze", "z", "freeze", "Freeze the approved examples as a dataset"),
    Action("dataset.export", "x", "export", "Write the dataset under the cursor in a format"),
    Action("dataset.preview", "t", "tokens", "Show which tokens of a row are trained"),
    Action("dataset.open", "enter", "open", "Show the dataset, or go to the refused example"),
    Action("dataset.leaks", "l", "leaks", "Measure how near held-out rows are to trained ones"),
    Action("dataset.swap-panes", "tab,w", "other pane", "Swap lists and numbers when folded"),
    Action(
        "dataset.check", "C", "check", "Check what is new or changed, or stop the checks", False
    ),
    Action("dataset.down", "j,down", "down", "Next line", False),
    Action("dataset.up", "k,up", "up", "Line before", False),
    Action("dataset.scroll-down", "pagedown", "scroll", "Scroll the numbers down", False),
    Action("dataset.scroll-up", "pageup", "scroll back", "Scroll the numbers up", False),
)
