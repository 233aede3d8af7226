"""What sessions did to an example, in words: its history, and decisions made unseen."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from textual.content import Content

from engine.models import Conflict, JournalEntry
from tui.widgets.textpane import Block, text
from tui.widgets.words import CONFLICT, fit

UNDONE: dict[str, str] = {
    "approve": "approved",
    "reject": "rejected",
    "skip": "skipped",
    "edit": "edited",
}
_DID = {**UNDONE, "undo": "taken back", "redo": "redone"}


def clock(at: float) -> str:
    """Return a moment as a person writes it: the time, with the date where it is not today."""
    then = time.localtime(at)
    today = then[:3] == time.localtime()[:3]
    return time.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M", then)


def missed_words(conflict: Conflict) -> str:
    """Return what was not seen: ``edited in another terminal at 14:02:10``."""
    did = [f"{_DID[one.action]} in another terminal at {clock(one.at)}" for one in conflict.missed]
    more = f", and {len(did) - 2} more" if len(did) > 2 else ""
    return " and ".join(did[-2:]) + more


def conflict_blocks(conflict: Conflict, session: str) -> list[Block]:
    """Return what a card says of a decision that was made unseen, and how it is settled.

    Args:
        conflict: The decision, and what its person had not seen.
        session: Whose terminal this is.
    """
    here = "here" if conflict.session == session else "in another terminal"
    did = f"{_DID[conflict.action]} {here} at {clock(conflict.at)}"
    unseen = f"without having seen: {missed_words(conflict)}"
    lines = [f"{CONFLICT} in conflict: {did}, {unseen}"]
    if conflict.withdrawn:
        lines.append("The approval does not count, for the text is another one.")
    lines.append("a, r or s decides it as it is now; i tells its history.")
    return [Block(text(line, "$text-warning")) for line in lines]


def edited_block(at: float) -> Block:
    """Return what a card says whose text was changed while it was on the screen."""
    words = f"{CONFLICT} edited in another terminal since you saw it, at {clock(at)}"
    return Block(text(words, "$text-warning"))


def history_blocks(entries: Iterable[JournalEntry], session: str) -> list[Block]:
    """Return an example's journal, a line an entry, the newest first.

    Args:
        entries: The entries, the newest first.
        session: Whose terminal this is.
    """
    journal: Sequence[JournalEntry] = list(entries)
    by_seq = {one.seq: one for one in journal}
    blocks: list[Block] = []
    for one in journal:
        did = UNDONE.get(one.action, one.action)
        if one.target in by_seq:
            did = f"{one.action}: {UNDONE.get(by_seq[one.target].action, '')}"
        where = "in this session" if one.session == session else "in another session"
        line = Content.assemble(
            (fit(clock(one.at), 20), "$text-muted"), fit(did, 18), (where, "$text-muted")
        )
        blocks.append(Block(line))
    return blocks
