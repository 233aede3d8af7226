"""The gate: which rows must not be trained on, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.dataset.rows import Row
from engine.errors import TemplateError
from engine.models import Turn
from engine.tokens import Rendered, Tokenizer, control_tokens_in_content, render


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that must not be trained on.

    ``code`` is stable: "no-answer", "empty-answer", "empty-question", "not-unicode",
    "control-tokens", "template", "no-trained-tokens".
    """

    example_id: str
    code: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A row that was looked at: its refusal, or what it is in tokens.

    ``tokens``, ``trained`` and ``truncated`` count tokens and are 0 without a tokenizer.
    """

    row: Row
    refusal: Refusal | None
    tokens: int = 0
    trained: int = 0
    truncated: int = 0


def gate(
    rows: Iterable[Row], *, tokenizer: Tokenizer | None = None, max_length: int | None = None
) -> list[Refusal]:
    """Return the rows that must not be trained on.

    Args:
        rows: What would be trained on.
        tokenizer: The base model's; without it, only what needs no tokens is looked at.
        max_length: The longest sequence, in tokens.
    """
    checked = (check(row, tokenizer, max_length) for row in rows)
    return [one.refusal for one in checked if one.refusal is not None]


def check(row: Row, tokenizer: Tokenizer | None, max_length: int | None) -> Checked:
    """Look at one row."""
    refusal = _plain(row)
    if refusal is not None or tokenizer is None:
        return Checked(row, refusal)
    control = control_tokens_in_content(tokenizer, row.turns)
    if control:
        names = ", ".join(control[:3]) + ("…" if len(control) > 3 else "")
        reason = f"its text holds what the model reads as control tokens: {names}"
        hint = "edit the example and write them otherwise, with a space in them say"
        return Checked(row, Refusal(row.id, "control-tokens", reason, hint))
    try:
        rendered = render(tokenizer, row.turns, max_length=max_length)
    except TemplateError as error:
        return Checked(row, Refusal(row.id, "template", error.message, error.hint))
    if rendered.trained_count == 0:
        return Checked(row, _untrained(row, rendered, max_length))
    return Checked(
        row, None, len(rendered.ids), rendered.trained_count, truncated=rendered.truncated
    )


def _plain(row: Row) -> Refusal | None:
    try:
        "".join(turn.content for turn in row.turns).encode("utf-8")
    except UnicodeEncodeError:
        return Refusal(
            row.id,
            "not-unicode",
            "its text holds half of a surrogate pair",
            "edit the example and remove the damaged character",
        )
    answers = [turn for turn in row.turns if turn.role == "assistant"]
    if not answers:
        return Refusal(row.id, "no-answer", "it has no answer", "edit the example: add one")
    if _blank(answers):
        return Refusal(
            row.id, "empty-answer", "an answer is empty", "edit the example, or reject it"
        )
    if _blank([turn for turn in row.turns if turn.role == "user"]):
        return Refusal(
            row.id, "empty-question", "a question is empty", "edit the example, or reject it"
        )
    return None


def _blank(turns: Sequence[Turn]) -> bool:
    return any(not turn.content.strip() for turn in turns)


def _untrained(row: Row, rendered: Rendered, max_length: int | None) -> Refusal:
    if rendered.truncated:
        reason = f"its question fills all {max_length} tokens, so that no answer is left to train"
        hint = "shorten the question, or allow longer sequences"
    else:
        reason, hint = "none of its tokens would be trained", "look at it: finetui dataset preview"
    return Refusal(row.id, "no-trained-tokens", reason, hint)
