"""Two texts with what differs marked, word by word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from textual.content import Content

from engine.models import Turn
from tui.widgets.card import LONGEST, role_block
from tui.widgets.textpane import BLANK, Block
from tui.widgets.words import plain

MOST_WORDS = 3_000
"""Longer texts are shown without marks: comparing them would keep a key waiting."""

_WORD = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
_ONLY_OLDER = "$text-error underline"
_ONLY_NEWER = "$text-success underline"


def compared(older: Sequence[Turn], newer: Sequence[Turn]) -> tuple[list[Block], list[Block]]:
    """Return both conversations as blocks, turn by turn."""
    left: list[Block] = []
    right: list[Block] = []
    for before, after in zip_longest(older, newer):
        texts = marked(before.content if before else "", after.content if after else "")
        for blocks, turn, text in ((left, before, texts[0]), (right, after, texts[1])):
            if turn is not None:
                blocks += [role_block(turn.role), Block(text, indent=1), BLANK]
    return left, right


def marked(older: str, newer: str) -> tuple[Content, Content]:
    """Return two texts, inert, with what only one of them has underlined."""
    before, after = plain(older[:LONGEST]).plain, plain(newer[:LONGEST]).plain
    words = _WORD.findall(before), _WORD.findall(after)
    if max(map(len, words)) > MOST_WORDS:
        return Content(before), Content(after)
    left: list[tuple[str, str]] = []
    right: list[tuple[str, str]] = []
    matcher = SequenceMatcher(None, *words, autojunk=False)
    for what, start, end, other_start, other_end in matcher.get_opcodes():
        same = what == "equal"
        left.append(("".join(words[0][start:end]), "" if same else _ONLY_OLDER))
        right.append(("".join(words[1][other_start:other_end]), "" if same else _ONLY_NEWER))
    return Content.assemble(*left), Content.assemble(*right)
