"""A plot's legend in one line: where it has no room for all, whole entries are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content


@dataclass(frozen=True, slots=True)
class Entry:
    """What a legend says of a curve; ``group`` is the run that it belongs to, if several do."""

    content: Content
    group: str = ""


def fitted(entries: Sequence[Entry], room: int, gap: str) -> Content:
    """Return as many entries as have room, and how many more there are.

    Those of the last group, which is the run that is looked at, are the last to be left out.

    Args:
        entries: By groups.
        room: Columns.
        gap: What stands between two.
    """
    last = entries[-1].group if entries else ""
    first_kept = sorted(range(len(entries)), key=lambda index: entries[index].group != last)
    for count in range(len(entries), 0, -1):
        said = [entries[index].content for index in sorted(first_kept[:count])]
        if count < len(entries):
            said.append(Content.styled(f"+{len(entries) - count} more", "$text-muted"))
        line = Content(gap).join(said)
        if line.cell_length <= room:
            return line
    return entries[first_kept[0]].content.truncate(max(0, room)) if entries else Content("")
