"""The score of a conversation, from the faults of its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from engine.models import Turn
from engine.quality.score import (
    capitals,
    chrome,
    completeness,
    echo,
    formatting,
    indent,
    pages,
    readability,
    refusal,
    repetition,
    spacing,
)
from engine.quality.score.fault import PARTS, Fault, Part, left
from engine.quality.score.view import View

_SOUND: Mapping[Part, float] = MappingProxyType(dict.fromkeys(PARTS, 1.0))
_NOTHING: Mapping[Part, float] = MappingProxyType({**_SOUND, "completeness": 0.0})


@dataclass(frozen=True, slots=True)
class AnswerQuality:
    """The score of one answer.

    Args:
        turn: Which turn of the conversation it is.
        score: From 0 to 1, the product of the parts.
        parts: Each part from 0 to 1; 1 means that nothing is wrong there.
        faults: What is wrong with it.
    """

    turn: int
    score: float
    parts: Mapping[Part, float]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """The score of a conversation.

    Args:
        score: From 0 to 1. For one answer its score; for several half their mean and half
            the worst of them, so that one broken answer is not lost among many sound ones.
        parts: The same for each part.
        answers: The answers with what is wrong in each.
    """

    score: float
    parts: Mapping[Part, float]
    answers: tuple[AnswerQuality, ...]


def score_answer(text: str, prompt: str = "", turn: int = 0) -> AnswerQuality:
    """Return the score of one answer to a prompt.

    Args:
        text: The answer.
        prompt: The user's words before it.
        turn: Which turn of a conversation it is, for the result.
    """
    if not text.strip(" \t\r\n\0\ufeff\u200b\u200e\u200f\xa0"):
        empty = Fault("completeness", "empty", 1.0, "the answer is empty")
        return AnswerQuality(turn, 0.0, _NOTHING, (empty,))
    view = View(text, prompt)
    faults = (
        *completeness.look(view),
        *repetition.look(view),
        *refusal.refusal(view),
        *refusal.boilerplate(view),
        *chrome.look(view),
        *echo.look(view),
        *formatting.look(view),
        *pages.look(view),
        *spacing.look(view),
        *indent.look(view),
        *capitals.look(view),
        *readability.look(view),
    )
    if not faults:
        return AnswerQuality(turn, 1.0, _SOUND, ())
    parts = {part: left(fault for fault in faults if fault.part == part) for part in PARTS}
    return AnswerQuality(turn, left(faults), parts, faults)


def score(turns: Sequence[Turn]) -> Quality:
    """Return the quality of a conversation: of its assistant's turns that hold text.

    A conversation without an answer has a score of 0.
    """
    prompt = ""
    answers: list[AnswerQuality] = []
    for index, turn in enumerate(turns):
        if turn.role == "user":
            prompt = turn.content
        elif turn.role == "assistant":
            answers.append(score_answer(turn.content, prompt, index))
    if not answers:
        none = Fault("completeness", "empty", 1.0, "there is no answer")
        return Quality(0.0, _NOTHING, (AnswerQuality(-1, 0.0, _NOTHING, (none,)),))
    return Quality(
        _together([answer.score for answer in answers]),
        {part: _together([answer.parts[part] for answer in answers]) for part in PARTS},
        tuple(answers),
    )


def _together(scores: Sequence[float]) -> float:
    if len(scores) == 1:
        return scores[0]
    return (sum(scores) / len(scores) + min(scores)) / 2
