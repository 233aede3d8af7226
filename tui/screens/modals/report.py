"""Settings and the doctor's findings, to be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.content import Content

from engine.paths import WORKSPACE_FILE, shorten, user_settings_file
from engine.settings import Settings, describe
from tui.actions import bindings
from tui.bridge.threads import off_loop
from tui.screens.modals.dialog import TextDialog
from tui.widgets.textpane import BLANK, Block, TextPane, text
from tui.widgets.words import one_line

_STYLES = {"ok": "$text-success", "note": "$text-muted", "missing": "$text-error"}
_SIGNS = {"ok": "✓", "note": "·", "missing": "✗"}


class ReportDialog(TextDialog[None]):
    """Shows text that scrolls, once it is made.

    Args:
        heading: The title of the box.
        make: Makes the text; it is called in a thread.
    """

    GROUP = "report"
    OK = "close"
    BINDINGS = bindings("report")

    def __init__(self, heading: str, make: Callable[[], Sequence[Block]]) -> None:
        super().__init__()
        self.HEADING = heading
        self._make = make

    def compose_box(self) -> ComposeResult:
        """The text."""
        yield TextPane(id="report-text")

    def on_mount(self) -> None:
        """Load the text."""
        self.load()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def load(self) -> None:
        """Make the text off the event loop, and show it."""
        self.say("reading", kind="busy")
        make = self._make
        self.pane.show(await off_loop(make))
        self.say("")


def settings_report(settings: Settings, root: Path) -> Sequence[Block]:
    """Return every setting with its value and what it is for, a paragraph each.

    Args:
        settings: The settings that hold.
        root: The workspace's folder.
    """
    files = f"{shorten(root / WORKSPACE_FILE, 60)}, then {shorten(user_settings_file(), 60)}"
    found = [Block(text(f"Read from {files}", "$text-muted")), BLANK]
    for info in describe(settings):
        changed = "" if info.value == info.default else f"  (default {info.default!r})"
        line = Content.assemble(
            (info.name, "bold $text-primary"),
            f" = {one_line(repr(info.value))}",
            (one_line(changed), "$text-muted"),
        )
        found += [Block(line), Block(text(info.help, "$text-muted"), indent=2)]
    return found


def doctor_report(root: Path) -> Sequence[Block]:
    """Return what is installed, which trainer will be used, and what is missing.

    Args:
        root: The workspace's folder, whose disk is looked at.
    """
    from engine.doctor import examine  # reads what is installed; wanted only when asked for

    findings = examine(root)
    width = max(len(finding.name) for finding in findings)
    found: list[Block] = []
    group = ""
    for finding in findings:
        if finding.group != group:
            group = finding.group
            found += [BLANK] if found else []
            found.append(Block(text(group.capitalize(), "bold $text-primary")))
        line = Content.assemble(
            (f"{_SIGNS[finding.grade]} ", _STYLES[finding.grade]),
            f"{finding.name.ljust(width)}  {one_line(finding.value)}",
        )
        found.append(Block(line))
        if finding.fix:
            fix = Content.assemble(("Fix: ", "$text-warning"), one_line(finding.fix))
            found.append(Block(fix, indent=4))
    return found
