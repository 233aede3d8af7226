r"""Formats that hold a conversation as one text, with markers between its turns."""

from __future__ import annotations

import re

from engine.dataset.formats.base import Converted, refused
from engine.models import Turn
from engine.sources.marked import STYLES

_COMPLETION_MARK = next(style.mark for style in STYLES if style.name == "<|user|>")
_CHATML_MARK = re.compile(r"<\|im_(?:start|end)\|>")
_HEADING = re.compile(r"###[ \t]*(?:Instruction|Input|Response)[ \t]*:", re.IGNORECASE)


def to_completion(turns: tuple[Turn, ...]) -> Converted:
    r"""Return a conversation as one text: ``<|user|>\n…\n<|assistant|>\n…``."""
    wrong = _unfit(turns, _COMPLETION_MARK, ("system", "user", "assistant"))
    if wrong is not None:
        return wrong
    return Converted({"text": "\n".join(f"<|{turn.role}|>\n{turn.content}" for turn in turns)})


def to_chatml(turns: tuple[Turn, ...]) -> Converted:
    r"""Return a conversation as one text: ``<|im_start|>user\n…<|im_end|>\n…``.

    Each turn ends with a line end, as templates of ChatML write it.
    """
    wrong = _unfit(turns, _CHATML_MARK, ("system", "user", "assistant", "tool"))
    if wrong is not None:
        return wrong
    written = (f"<|im_start|>{turn.role}\n{turn.content}<|im_end|>\n" for turn in turns)
    return Converted({"text": "".join(written)})


def to_instruct_text(turns: tuple[Turn, ...]) -> Converted:
    r"""Return a conversation as one text: ``### Instruction:\n…\n\n### Response:\n…``.

    A system message stands in front, without a heading, as alpaca's templates have it.
    ``### Input:`` is not written: what a question is about stands in the question.
    """
    wrong = _unfit(turns, _HEADING, ("system", "user", "assistant"))
    if wrong is not None:
        return wrong
    if any(turn.role == "system" for turn in turns[1:]):
        return refused("order", "a system message that is not the first has no place in it")
    headings = {"user": "### Instruction:\n", "assistant": "### Response:\n", "system": ""}
    if turns and turns[0].role == "system" and not turns[0].content:
        turns = turns[1:]
    return Converted({"text": "\n\n".join(headings[turn.role] + turn.content for turn in turns)})


def _unfit(
    turns: tuple[Turn, ...], marker: re.Pattern[str], roles: tuple[str, ...]
) -> Converted | None:
    if not turns:
        return refused("empty", "it has no turns")
    for turn in turns:
        if turn.role not in roles:
            return refused("role", f"the format has no {turn.role} messages")
        found = marker.search(turn.content)
        if found is not None:
            return refused("marker", f"its text holds {found[0].strip()}, which divides turns")
    return None
