"""The gate: which rows must not be trained on, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from engine.dataset.metadata import texts_of
from engine.dataset.rows import Row
from engine.errors import TemplateError
from engine.invisible import is_blank
from engine.models import Flag, Turn
from engine.quality.base import Check
from engine.tokens import Tokenizer, control_tokens_in_content, render

_LEAST_DIGITS = 6
_MOST_KNOWN = 20_000
# Rows of one file have many texts in common, such as its path.
_known_texts: dict[str, tuple[Flag, ...]] = {}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that must not be trained on.

    ``code`` is stable: "no-answer", "empty-answer", "empty-question", "not-unicode",
    "secret", "control-tokens", "template", "no-trained-tokens".
    """

    example_id: str
    code: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A row that was looked at: its refusal, or what it is in tokens.

    Args:
        row: The row.
        refusal: Why it must not be trained on, if so.
        tokens: Its tokens, without those that are cut off; 0 without a tokenizer.
        trained: Those that carry loss.
        truncated: Tokens that are cut off at the longest length.
        lost: Those of them that would have carried loss.
        secrets: Codes of secrets in it that were let through by name.
        language: Its language, where a check told it.
        quality: Its quality from 0 to 1, where a check told it.
        flags: What checks found in it, as "kind:code".
        checked: Whether checks have looked at it.
    """

    row: Row
    refusal: Refusal | None
    tokens: int = 0
    trained: int = 0
    truncated: int = 0
    lost: int = 0
    secrets: tuple[str, ...] = ()
    language: str = ""
    quality: float | None = None
    flags: tuple[str, ...] = ()
    checked: bool = False


def gate(
    rows: Iterable[Row],
    *,
    tokenizer: Tokenizer | None = None,
    max_length: int | None = None,
    allow_secrets: Collection[str] | None = (),
) -> list[Refusal]:
    """Return the rows that must not be trained on.

    Args:
        rows: What would be trained on.
        tokenizer: The base model's; without it, only what needs no tokens is looked at.
        max_length: The longest sequence, in tokens.
        allow_secrets: Secrets that are let through, by their code or an example's id; None
            looks for none.
    """
    checked = (check(row, tokenizer, max_length, allow_secrets) for row in rows)
    return [one.refusal for one in checked if one.refusal is not None]


def check(
    row: Row,
    tokenizer: Tokenizer | None,
    max_length: int | None,
    allow_secrets: Collection[str] | None = (),
) -> Checked:
    """Look at one row.

    Args:
        row: The row.
        tokenizer: The base model's, or None.
        max_length: The longest sequence, in tokens.
        allow_secrets: Secrets that are let through, by their code or an example's id;
            None looks for none, in rows that passed the gate before.
    """
    refusal = _plain(row)
    if refusal is not None:
        return Checked(row, refusal)
    allowed: tuple[str, ...] = ()
    if allow_secrets is not None:
        refusal, allowed = _secrets(row, allow_secrets)
    if refusal is not None or tokenizer is None:
        return Checked(row, refusal, secrets=allowed)
    control = control_tokens_in_content(tokenizer, row.turns)
    if control:
        names = ", ".join(control[:3]) + ("…" if len(control) > 3 else "")
        reason = f"its text holds what the model reads as control tokens: {names}"
        hint = "edit the example and write them otherwise, with a space in them say"
        return Checked(row, Refusal(row.id, "control-tokens", reason, hint))
    try:
        rendered = render(tokenizer, row.turns)
    except TemplateError as error:
        return Checked(row, Refusal(row.id, "template", error.message, error.hint))
    total = len(rendered.ids)
    kept = total if max_length is None else min(total, max_length)
    trained = sum(rendered.trained[:kept])
    if trained == 0:
        return Checked(row, _untrained(row, total - kept, max_length))
    return Checked(
        row,
        None,
        kept,
        trained,
        truncated=total - kept,
        lost=sum(rendered.trained[kept:]),
        secrets=allowed,
    )


@cache
def _secrets_check() -> Check:
    # detect-secrets takes a while to import, and what opens a dataset has no use for it.
    from engine.quality.secrets import SecretsCheck

    return SecretsCheck()


def secrets_version() -> str:
    """Return the version of the check for secrets that the gate looks with."""
    return _secrets_check().version


def _secrets(row: Row, allowed: Collection[str]) -> tuple[Refusal | None, tuple[str, ...]]:
    """Return why a row is refused for secrets in it, and which were let through by name."""
    flags = (*_secrets_check().look(row.turns).flags, *_in_metadata(row))
    if not flags:
        return None, ()
    by_name = any(is_named(row.id, name) for name in allowed)
    refused = [flag for flag in flags if not by_name and flag.code not in allowed]
    passed = tuple(sorted({flag.code for flag in flags if flag not in refused}))
    if not refused:
        return None, passed
    codes = sorted({flag.code for flag in refused})
    first = refused[0]
    where = first.place or f"message {first.turn + 1}"
    message = f"{where} holds what looks like a secret: {first.reason}"
    more = f", and {len(refused) - 1} more" if len(refused) > 1 else ""
    hint = (
        "redact or reject it; if it is none, let it through by name with "
        f"--allow-secret {short(row.id)} or, in all rows, --allow-secret {codes[0]}"
    )
    return Refusal(row.id, "secret", message + more, hint), passed


def _in_metadata(row: Row) -> Iterator[Flag]:
    """Yield the secrets in a row's metadata, which has none where it went the usual way."""
    for place, text in texts_of(row.metadata):
        if text not in _known_texts:
            if len(_known_texts) > _MOST_KNOWN:
                _known_texts.clear()
            found = _secrets_check().look([Turn("user", text)]).flags
            _known_texts[text] = tuple(replace(flag, turn=-1) for flag in found)
        for flag in _known_texts[text]:
            yield replace(flag, place=place)


def is_named(example_id: str, name: str) -> bool:
    """Say whether a name means an example: its id, or at least six digits that it begins with."""
    digits = name.removeprefix("b2-")
    return len(digits) >= _LEAST_DIGITS and example_id.removeprefix("b2-").startswith(digits)


def short(example_id: str) -> str:
    """Return as much of an id as tells it from others in practice."""
    return example_id[: len("b2-") + 2 * _LEAST_DIGITS]


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
    return any(is_blank(turn.content) for turn in turns)


def _untrained(row: Row, truncated: int, max_length: int | None) -> Refusal:
    if truncated:
        reason = f"its question fills all {max_length} tokens, so that no answer is left to train"
        hint = "shorten the question, or allow longer sequences"
    else:
        reason, hint = "none of its tokens would be trained", "look at it: finetui dataset preview"
    return Refusal(row.id, "no-trained-tokens", reason, hint)
