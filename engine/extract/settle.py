"""What of a section's blocks makes an answer: all of its text, and nothing that hangs in the air.

Tables and tasks are text where they stand in the middle of an answer, or a line announces them;
at its ends they are left out. A sentence that announces what is not text ("These are my
pictures:") goes with what it announces; a long one ends with a full stop instead.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.extract.letters import length
from engine.extract.prose import measure
from engine.sources.blocks import ASIDE, Block, announces

_ANNOUNCING_WORDS = 12
"""The most words of a sentence that only announces; a longer one says something itself."""
_SENTENCES = re.compile(r"(.*(?:[.!?…][\"”“»')\]]*(?=\s)|[。！？][」』”）]*|\n))\s*\S", re.DOTALL)
_TEXT = frozenset({"prose", "callout", "item"})
_PARAGRAPHS = frozenset({"prose", "callout"})


def settle(blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks that make an answer, in order; those that are cut are new ones.

    Args:
        blocks: A section's measured blocks, with those that are no part of answers.
    """
    kept = _without_ends(blocks)
    if not any(announces(block.text) for block in kept if block.kind in _TEXT):
        return kept
    places = {id(block): at for at, block in enumerate(blocks)}
    settled: list[Block] = []
    following: Block | None = None
    for block in reversed(kept):
        if block.kind in _TEXT and announces(block.text):
            apart = following is not None and places[id(following)] - places[id(block)] > 1
            hangs = following is None or (
                apart and not block.titled and following.kind in _PARAGRAPHS
            )
            if hangs:
                shorter = _without_last_sentence(block)
                if shorter is None:
                    continue
                places[id(shorter)] = places[id(block)]
                block = shorter
        settled.append(block)
        following = block
    settled.reverse()
    return settled


def _without_ends(blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks that may stand in an answer, with the tables and tasks in its middle."""
    own = [at for at, block in enumerate(blocks) if block.kept and block.kind not in ASIDE]
    if not own:
        return []
    first, last = own[0], own[-1]
    kept: list[Block] = []
    announced = False
    for at, block in enumerate(blocks):
        if not block.kept:
            announced = False
        elif block.kind not in ASIDE:
            announced = block.kind in _TEXT and announces(block.text) and not block.titled
            kept.append(block)
        elif first < at < last or announced:
            kept.append(block)
    return kept


def _without_last_sentence(block: Block) -> Block | None:
    """Return a block without the announcement at its end; None where it is no more than that."""
    if block.titled:
        return None
    text = block.text
    found = _SENTENCES.match(text)
    said = found[1] if found is not None else ""
    if length(text[len(said) :]) > _ANNOUNCING_WORDS:
        text = text.rstrip("*_ ")
        said = text[:-1].rstrip() + ("。" if text[-1] == "：" else ".")
    elif not any(map(str.isalnum, said)):
        return None
    shorter = Block(block.kind, block.line, said.rstrip().split("\n"))
    measure([shorter])
    return shorter
