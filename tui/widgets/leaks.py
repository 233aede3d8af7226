"""The leak meter, and what to know before trusting a dataset's numbers, as blocks of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from engine.models import short_id
from tui.widgets.textpane import BLANK, Block, text
from tui.widgets.words import bar, counted, fit, one_line

if TYPE_CHECKING:
    from engine.dataset import LeakSummary, Notice

_LEVELS = "·▁▂▃▄▅▆▇█"


def notice_blocks(notices: Sequence[Notice]) -> list[Block]:
    """Return warnings, a paragraph each."""
    blocks = [
        Block(Content.assemble(("! ", "$text-warning"), one_line(notice.message)))
        for notice in notices
    ]
    return [*blocks, BLANK] if blocks else []


def leak_blocks(leaks: Sequence[LeakSummary]) -> list[Block]:
    """Return how near held-out rows are to those that are trained on."""
    if not leaks:
        return []
    blocks = [Block(text("Leak meter", "bold $text-primary"))]
    for one in leaks:
        blocks += _side(one)
    return [*blocks, BLANK]


def _threshold(leak: LeakSummary) -> str:
    return (
        f"{leak.level}, {leak.threshold:.2f}+" if leak.level else f"{leak.threshold:.2f} and more"
    )


def _side(leak: LeakSummary) -> list[Block]:
    bad = leak.leaking > 0
    sign, style = ("!! ", "bold $text-error") if bad else ("✓ ", "$text-success")
    near = f"{leak.leaking:,} of {counted(leak.rows, 'row')}"
    head = Content.assemble(
        (fit(leak.side, 11), "$text-muted"),
        ("▕", "$text-muted"),
        (bar(leak.leaking, leak.rows, 12), "$error"),
        ("▏ ", "$text-muted"),
        (sign, style),
        (near, "bold"),
        (f" near what is trained on ({_threshold(leak)})", "$text-muted"),
    )
    blocks = [Block(head)]
    if not leak.measured:
        words = f"texts alone were compared: {one_line(leak.reason)}"
        return [*blocks, Block(text(words, "$text-warning"), indent=11)]
    most = max(leak.bins, default=0)
    levels = "".join(
        _LEVELS[max(1, round(8 * count / most)) if count else 0] for count in leak.bins
    )
    nearest = Content.assemble(
        ("0 ", "$text-muted"),
        (levels, "$primary"),
        (" 1", "$text-muted"),
        (
            f"  nearest: half {leak.median:.2f} · one in ten {leak.high:.2f}"
            f" · highest {leak.highest:.2f}",
            "$text-muted",
        ),
    )
    blocks.append(Block(nearest, indent=11))
    for pair in leak.worst[:3]:
        words = f"{pair.similarity:.2f}  {short_id(pair.held_out)} near {short_id(pair.train)}"
        blocks.append(Block(text(words, "$text-muted"), indent=11))
    return blocks
