"""Keys of dialogs with a text to read."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("read.down", "j,down", "down", "A line further"),
    Action("read.up", "k,up", "up", "A line back"),
    Action("read.page-down", "pagedown,space", "page", "A page further"),
    Action("read.page-up", "pageup", "page back", "A page back", False),
    Action("read.next", "right,n", "next", "The next row"),
    Action("read.before", "left,p", "before", "The row before"),
    Action("read.view", "v", "view", "Show the text, the counts by turn, or the single tokens"),
    Action("read.length", "l", "length", "Try another longest row"),
)
