"""Keys of the Sources screen."""

from __future__ import annotations

from tui.actions import Action

ACTIONS = (
    Action("sources.add", "a", "add", "Add a folder, a file or an address; it is detected"),
    Action("sources.scan", "s", "scan", "Read what changed in the source under the cursor"),
    Action("sources.options", "o", "settings", "Set how the source is read, and read it again"),
    Action("sources.scan-all", "S", "scan all", "Read what changed in every source", False),
    Action("sources.stop", "escape", "stop scan", "Stop the scan that runs, and those that wait"),
    Action("sources.swap-panes", "tab,w", "other pane", "Swap list and details when folded"),
    Action("sources.skips", "d", "skipped", "List what was not read, and why"),
    Action("sources.remove", "x", "remove", "Remove the source and its undecided examples"),
    Action("sources.demo", "g", "demo sources", "Start with the bundled demo sources"),
    Action("sources.down", "j,down", "down", "Next source", False),
    Action("sources.up", "k,up", "up", "Source before", False),
    Action("sources.first", "home", "first", "First source", False),
    Action("sources.last", "end", "last", "Last source", False),
    Action("sources.scroll-down", "pagedown", "scroll", "Scroll the details down", False),
    Action("sources.scroll-up", "pageup", "scroll back", "Scroll the details up", False),
)
