"""Records that are training data of another sort: recognised, and refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.sources.columns import ANSWERS, PROMPTS, fold
from engine.sources.files import Refused

_MEDIA_KEYS = ("images", "videos", "audios", "image", "audio", "video")
_PREFERENCE_KEYS = ("chosen", "rejected", "chosen_messages", "rejected_messages")
_SIDES = (
    *(("response_a", "response_b"), ("answer_a", "answer_b"), ("output_1", "output_2")),
    *(("conversation_a", "conversation_b"), ("response_0", "response_1"), ("a0", "a1")),
    *(("response_j", "response_k"), ("completion_a", "completion_b")),
)
_CHOICES = ("choices", "options", "endings", "mc1_targets")
_LABELS = ("label", "labels", "category", "intent", "sentiment", "class", "score", "stars", "toxic")
_CLASSED = frozenset(("text", "sentence", "utterance", "tweet", "review", "content", "comment"))

_TOLD_BY = frozenset((
    *_PREFERENCE_KEYS,
    *(first for first, _ in _SIDES),
    *_MEDIA_KEYS,
    *_CHOICES,
    *("label", "paragraphs", "answers", "input_ids"),
))  # fmt: skip
"""The fields by which training data of another sort is told."""

OTHER_DATA: Mapping[str, str] = {
    "preference": "preference pairs",
    "not-text": "rows with images, sound or video",
    "extractive-qa": "passages with marked answers",
    "multiple-choice": "multiple choice",
    "no-turns": "text without turns",
    "labels-only": "texts with labels",
    "token-ids": "token numbers",
    "single-message": "messages of a tree",
}
"""Refusals that are about what a data set is for, and what such a set is called."""


def check(fields: Mapping[str, Any]) -> None:
    """See that a record is no training data of another sort.

    Raises:
        Refused: It is.
    """
    if _TOLD_BY.isdisjoint(fields):
        return
    if any(key in fields for key in _PREFERENCE_KEYS) or any(
        first in fields and second in fields for first, second in _SIDES
    ):
        raise Refused("preference", "it holds a preferred and a rejected answer, not one answer")
    label = fields.get("label")
    if label is False or (isinstance(label, str) and label.lower() == "false"):
        raise Refused("rejected-answer", "its label says that the answer is not wanted")
    if any(fields.get(key) for key in _MEDIA_KEYS):
        raise Refused("not-text", "images, sound or video belong to it")
    if isinstance(fields.get("paragraphs"), list) or _has_spans(fields):
        raise Refused("extractive-qa", "its answers are places in a passage, not replies")
    if any(isinstance(fields.get(key), list | dict) for key in _CHOICES) and _is_letter(fields):
        raise Refused("multiple-choice", "its answer is the number of a choice, not a text")
    if isinstance(fields.get("input_ids"), list):
        raise Refused("token-ids", "it holds the numbers of tokens, not text")


def _has_spans(fields: Mapping[str, Any]) -> bool:
    answers = fields.get("answers")
    first = answers[0] if isinstance(answers, list) and answers else answers
    return isinstance(first, dict) and "answer_start" in first


def _is_letter(fields: Mapping[str, Any]) -> bool:
    for key in ("answer", "label", "answerKey", "answer_index", "answer_idx", "target"):
        value = fields.get(key)
        if isinstance(value, int) or (isinstance(value, str) and len(value.strip()) == 1):
            return True
    return False


def why_unknown(fields: Mapping[str, Any]) -> Refused:
    """Return why no conversation can be made of a record of no known layout."""
    names = {fold(str(key)): key for key in fields}
    if "parent_id" in names and names.keys() & {"role", "author"}:
        return Refused("single-message", "it is one message of a tree, not a conversation")
    if (texts := _CLASSED & names.keys()) and (labels := [n for n in _LABELS if n in names]):
        said = f"a {next(iter(sorted(texts)))} and its {labels[0]}, but nothing that answers"
        return Refused("labels-only", said)
    if isinstance(fields.get("text"), str):
        return Refused(
            "no-turns",
            "a text without markers between its turns, such as <|user|> and <|assistant|>",
        )
    if any(isinstance(turn, dict | str) for turn in _listed(fields.get("turns"))):
        return Refused("no-answer", "it holds questions without answers")
    if isinstance(fields.get("choices"), list):
        return Refused("no-question", "it holds answers without their questions")
    asked = next((names[name] for name in PROMPTS if name in names), None)
    if asked is not None and len(names) <= 3 and not names.keys() & set(ANSWERS):
        return Refused("no-answer", f"it has a {str(asked)[:40]}, but nothing that answers it")
    listed = ", ".join(str(key)[:40] for key in list(fields)[:6]) or "none"
    return Refused("unknown-layout", f"neither messages nor an instruction; its fields: {listed}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
