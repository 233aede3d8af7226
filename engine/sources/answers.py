"""What a list in the place of an answer means: one text in lines, or several answers.

JSON has no texts of several lines, so people and programs write one as a list of its lines;
benchmarks list the answers that count as right; samplers list what a model said. The name of
the column tells which it is in the data sets that document it:

====================================  =========================================================
``answers``, ``responses``,           other answers to the same question (Web Questions, MS
``completions``, ``outputs``,         MARCO, UltraFeedback); also as ``{"text": […]}`` (SQuAD,
``targets``, and so on                ELI5, by ``score`` where there is one), as ``[{"text": …}]``
                                      (NarrativeQA) and ``{"value": …, "aliases": […]}`` (TriviaQA)
``target``                            answers that all count as right (BIG-bench)
``output`` in ``instances``           the same (Super-NaturalInstructions)
``output``, ``response``,             the lines of one text
``completion``, ``solution``, …
``answer``                            either: answers where one is said twice, or where each
                                      has a word in common with the first ("UK", "the UK"; NQ
                                      Open); else the lines of one text. A guess, so it is said
====================================  =========================================================
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.sources.columns import fold
from engine.sources.facts import clean
from engine.sources.files import Refused
from engine.sources.marked import without_tokens

ListsAre = Literal["lines", "answers"]

_SEVERAL = frozenset((
    *("answers", "responses", "completions", "outputs", "targets", "replies", "solutions"),
    *("references", "correct_answers", "generations", "predictions", "target"),
))  # fmt: skip
_EITHER = frozenset(("answer", "best_answer"))
_TEXT_KEYS = ("text", "value", "answer", "content")
_SPEAKER_KEYS = ("role", "from", "sender", "author", "speaker")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Answers:
    """An answer, and others to the same question behind it; at least one, perhaps empty.

    ``guessed`` says how a list was taken where no known shape says how it is meant.
    """

    texts: tuple[str, ...]
    guessed: ListsAre | Literal[""] = ""


def answers_in(
    value: Any, column: str, *, lists: ListsAre | Literal[""] = "", referenced: bool = False
) -> Answers | None:
    """Return the answers of a value that is a list or holds one; None where it is neither.

    Args:
        value: The value of the column that answers.
        column: Its name.
        lists: What a list is, where a person said so.
        referenced: The row is of a kind whose lists are answers that all count as right.

    Raises:
        Refused: Something in the list is no text.
    """
    if isinstance(value, Mapping):
        value, several = _of_object(value), True
        if value is None:
            return None
    else:
        several = referenced or fold(column) in _SEVERAL
    if not isinstance(value, list) or is_messages(value):
        return None
    if value and all(isinstance(item, int | float) for item in value):
        raise Refused("not-text", f"the list in the field {column} holds numbers, not text")
    items = [_text_of(item, column) for item in value]
    taken: ListsAre = "answers" if several else "lines"
    guessed: ListsAre | Literal[""] = ""
    if lists:
        taken = lists
    elif fold(column) in _EITHER and not several:
        taken = "answers" if _are_variants(items) else "lines"
        guessed = taken if len([item for item in items if item.strip()]) > 1 else ""
    if taken == "answers":
        texts = tuple(text for text in (without_tokens(item).strip() for item in items) if text)
        return Answers(texts or ("",), guessed)
    return Answers((without_tokens(_joined(items)).strip(),), guessed)


def is_messages(value: Any) -> bool:
    """Say whether a value is a list of messages; objects of a text alone are answers."""
    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return False
    first = value[0]
    spoken = any(key in first for key in _SPEAKER_KEYS)
    return spoken or not any(isinstance(first.get(key), str) for key in _TEXT_KEYS)


def _of_object(value: Mapping[str, Any]) -> list[Any] | None:
    """Return the answers of an object that lists their texts, the best rated first."""
    texts = value.get("text", value.get("texts"))
    if isinstance(texts, list):
        scores = value.get("score")
        if isinstance(scores, list) and len(scores) == len(texts):
            rated = [score if isinstance(score, int | float) else 0 for score in scores]
            return [texts[at] for at in sorted(range(len(texts)), key=lambda at: -rated[at])]
        return texts
    aliases = value.get("aliases")
    if isinstance(value.get("value"), str) and isinstance(aliases, list):
        return [value["value"], *aliases]
    return None


def _text_of(item: Any, column: str) -> str:
    if isinstance(item, dict):
        item = next((item[key] for key in _TEXT_KEYS if isinstance(item.get(key), str)), item)
    if item is None or (isinstance(item, float) and not math.isfinite(item)):
        return ""
    if isinstance(item, bool | int | float):
        return str(item)
    if not isinstance(item, str):
        raise Refused("not-text", f"the list in the field {column} holds something else than text")
    return clean(item)


def _joined(lines: Sequence[str]) -> str:
    """Return lines as one text; those of a notebook end with their line break already."""
    if any(line.endswith("\n") for line in lines[:-1]):
        return "".join(lines)
    return "\n".join(lines)


def _are_variants(items: Sequence[str]) -> bool:
    """Say whether texts look like ways to say the same rather than like parts of one text."""
    said = [" ".join(_WORD.findall(item.casefold())) for item in items]
    said = [text for text in said if text]
    if len(said) < 2 or len(set(said)) < len(said):
        return True
    if any(len(item.split()) > 8 or item.rstrip().endswith((":", ";", ",")) for item in items):
        return False
    first = _telling(said[0])
    return bool(first) and all(first & _telling(text) for text in said[1:])


def _telling(text: str) -> set[str]:
    return {word for word in text.split() if len(word) > 3 or word.isdecimal()}
