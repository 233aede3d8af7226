"""Columns of unknown names: which asks and which answers, by near names and by what they hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from engine.sources.columns import Columns, fold, known, value_at
from engine.sources.instructions.words import (
    ANSWERERS,
    ANSWERING,
    ASKERS,
    ASKING,
    BESIDES,
    INSTRUCTING,
    OPENERS,
)
from engine.sources.marked import is_marked
from engine.sources.messages import CONTENT_KEYS, ROLE_KEYS

MAX_SHOWN = 60
"""The most columns that are looked at."""

_ONE_NAME = "a name and the other's content"
_DEPTH = 3
_ASKS = re.compile(r"[?？؟\u037e]\s*[\"'”»)]*\s*$|^\s*[¿]")
_NO_WORDS = re.compile(r"(?:https?://\S+|[\w.+-]+@[\w-]+\.[\w.]+|[\d\W_]+|[0-9a-f-]{16,})$")


@dataclass(frozen=True, slots=True)
class Guess:
    """Which columns ask and answer, and how sure that is.

    Attributes:
        columns: They; not :attr:`Columns.whole` where it can't be told.
        sure: 0 to 1.
        by: What told them, for a person: "their names", "their content".
        others: Columns that may be meant instead.
    """

    columns: Columns
    sure: float
    by: str
    others: tuple[str, ...] = field(default=())


def columns_of(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the columns of some rows in order, those inside objects by their dotted path."""
    found: dict[str, None] = {}
    for row in rows:
        _collect(row, "", 1, found)
        if len(found) >= MAX_SHOWN:
            break
    return tuple(found)[:MAX_SHOWN]


def _collect(row: Mapping[str, Any], prefix: str, depth: int, found: dict[str, None]) -> None:
    for key, value in row.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value and depth < _DEPTH:
            _collect(value, f"{name}.", depth + 1, found)
        else:
            found.setdefault(name)
        if len(found) >= MAX_SHOWN:
            return


def guess(rows: Sequence[Mapping[str, Any]], taken: Columns | None = None) -> Guess | None:
    """Return which columns of some rows ask and answer.

    Args:
        rows: Some rows, the more the surer.
        taken: Columns that a person named; only the others are looked for.

    Returns:
        The guess; None where nothing in the rows looks like asking and answering.
    """
    taken = taken or Columns()
    seen = [_Seen.of(name, rows) for name in columns_of(rows) if name not in taken.used()]
    seen = [column for column in seen if column.filled]
    if not taken.used():
        held = _nested(rows) or _held(seen, rows)
        if held is not None:
            return held
    asking = sorted((c for c in seen if c.asks_by_name), key=lambda c: -c.asks_by_name)
    answering = sorted((c for c in seen if c.answers_by_name), key=lambda c: -c.answers_by_name)
    prompt = taken.prompt or (asking[0].name if asking else "")
    answer = taken.answer or (answering[0].name if answering else "")
    if prompt and answer:
        others = [*(c.name for c in asking[1:]), *(c.name for c in answering[1:])]
        return Guess(_made(prompt, answer, seen), 0.8, "their names", tuple(others))
    return _by_content(seen, prompt, answer, rows)


def _nested(rows: Sequence[Mapping[str, Any]]) -> Guess | None:
    """Return the columns of known names inside an object that each row holds."""
    first = rows[0] if rows else {}
    for key, value in first.items():
        if not isinstance(value, dict):
            continue
        inner = known(value)
        if inner is None or not inner.whole:
            continue
        if all(isinstance(row.get(key), dict) for row in rows):
            moved = {name: f"{key}.{getattr(inner, name)}" for name in
                     ("prompt", "answer", "system", "input", "messages", "text", "history")
                     if getattr(inner, name)}  # fmt: skip
            return Guess(Columns(**moved), 0.85, f"their names inside {key}")
    return None


def _held(seen: Sequence[_Seen], rows: Sequence[Mapping[str, Any]]) -> Guess | None:
    """Return a column of another name that holds messages, or a text with markers."""
    for column in seen:
        values = [value for row in rows if (value := value_at(row, column.name)) is not None]
        if all(_are_messages(value) for value in values):
            return Guess(Columns(messages=column.name), 0.66, "its messages")
        if all(isinstance(value, str) and is_marked(value) for value in values):
            return Guess(Columns(text=column.name), 0.8, "its markers")
    return None


def _are_messages(value: Any) -> bool:
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return False
    return bool(value[0].keys() & set(ROLE_KEYS)) and bool(value[0].keys() & set(CONTENT_KEYS))


def _by_content(
    seen: Sequence[_Seen], prompt: str, answer: str, rows: Sequence[Mapping[str, Any]]
) -> Guess | None:
    texts = [c for c in seen if c.is_text and c.name not in (prompt, answer)]
    texts = [c for c in texts if not c.besides and not c.instructs]
    if prompt or answer:
        found = sorted(texts, key=lambda c: -c.words if prompt else -c.asks)
        if not found:
            return None
        first, others = found[0].name, tuple(c.name for c in found[1:])
        columns = _made(prompt or first, answer or first, seen)
        return Guess(columns, 0.4 if others else 0.6, _ONE_NAME, others)
    asking = sorted(texts, key=lambda c: -c.asks)
    if len(texts) < 2 or len(rows) < 2:
        return None
    best, *rest = asking
    if best.asks >= 0.3 and rest and rest[0].asks <= best.asks * 0.6:
        reply = max(rest, key=lambda c: c.words)
        others = tuple(c.name for c in rest if c is not reply)
        sure = 0.5 if not others else 0.4
        return Guess(_made(best.name, reply.name, seen), sure, "their content", others)
    return Guess(Columns(), 0.2, "", tuple(c.name for c in texts))


def _made(prompt: str, answer: str, seen: Sequence[_Seen]) -> Columns:
    system = next((c.name for c in seen if c.instructs and c.name not in (prompt, answer)), "")
    return Columns(prompt=prompt, answer=answer, system=system)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a column looks like.

    ``asks`` is the share of its texts that ask or request; ``words`` the median number
    of words; ``asks_by_name`` and ``answers_by_name`` are 0 where its name says nothing.
    """

    name: str
    filled: int
    is_text: bool
    words: float
    asks: float
    asks_by_name: float
    answers_by_name: float
    instructs: bool
    besides: bool

    @staticmethod
    def of(name: str, rows: Sequence[Mapping[str, Any]]) -> _Seen:
        values = [value_at(row, name) for row in rows]
        texts = [value for value in values if isinstance(value, str) and value.strip()]
        filled = sum(value is not None and value != "" for value in values)
        words = [_words_in(text) for text in texts]
        different = len(set(texts)) / len(texts) if texts else 0
        is_text = (
            len(texts) * 2 >= filled > 0
            and median(words) >= 2
            # A few values again and again are labels.
            and (len(texts) < 20 or different >= 0.2)
        )
        asks = sum(_is_asking(text) for text in texts) / len(texts) if texts else 0.0
        asking, answering, instructs, besides = _by_name(name)
        if asking == 0.5 or answering == 0.5:
            # Named for a speaker, it has to look like speech; "user" may be a name.
            asking, answering = (asking, answering) if is_text else (0.0, 0.0)
        return _Seen(name, filled, is_text, median(words) if words else 0, asks,
                     asking, answering, instructs, besides)  # fmt: skip


def _by_name(name: str) -> tuple[float, float, bool, bool]:
    """Return how much a name says that a column asks and answers; and whether it instructs."""
    folded = fold(name.rpartition(".")[2])
    parts = folded.split("_")
    besides = any(part in BESIDES for part in parts)
    asks = _names(folded, parts, ASKING)
    answers = _names(folded, parts, ANSWERING)
    instructs = any(part in INSTRUCTING for part in parts)
    if besides or instructs:
        return 0.0, 0.0, instructs and not besides, besides
    if asks and answers:
        return 0.0, 0.0, False, False
    if asks or answers:
        return float(asks), float(answers), False, False
    speaker = any(part in ASKERS for part in parts), any(part in ANSWERERS for part in parts)
    return 0.5 * speaker[0], 0.5 * speaker[1], False, False


def _names(folded: str, parts: Sequence[str], words: frozenset[str]) -> bool:
    for word in words:
        if word in parts or ("_" in word and word in folded):
            return True
        if word.isascii() or len(word) > 4:
            # Endings: "fragen", "intrebarea", "вопросы".
            if len(word) >= 5 and any(
                part.startswith(word) and len(part) <= len(word) + 4 for part in parts
            ):
                return True
        elif word in folded:
            return True
    return False


def _words_in(text: str) -> int:
    """Return the number of a text's words; in scripts without spaces, half its characters."""
    stripped = text.strip()[:2000]
    if _NO_WORDS.match(stripped):
        return 0
    wide = sum("\u3040" <= sign <= "\u9fff" or "\uac00" <= sign <= "\ud7af" for sign in stripped)
    return len(stripped.split()) + wide // 2


def _is_asking(text: str) -> bool:
    if _ASKS.search(text[-200:]):
        return True
    first = text[:80].split(None, 1)
    return bool(first) and fold(first[0].strip("\"'“„«¿¡(").rstrip(",.:;!")) in OPENERS
