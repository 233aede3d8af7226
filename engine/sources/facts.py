"""What a record says besides its turns: title, date and further columns."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from engine.invisible import is_blank
from engine.sources.jsonwindow import no_value
from engine.sources.notes import date_in

_DATE_KEYS = ("date", "created_at", "create_time", "timestamp", "created", "generated_at", "time")
_TITLE_KEYS = ("title", "name", "topic", "subject")
_SPOKEN_KEYS = frozenset((
    *("content", "value", "text", "message", "output", "response", "answer", "completion"),
    *("messages", "conversations", "conversation", "chat_messages", "turns", "dialog"),
    *("prompt", "instruction", "input", "question", "query", "system", "system_prompt", "title"),
    "tools",
))  # fmt: skip
_INNER_KEYS = ("metadata", "meta")
MAX_METADATA = 500
"""The most characters of a column that are kept."""
MAX_COLUMNS = 40
"""The most columns that are kept."""


def clean(text: str) -> str:
    r"""Return text that can be stored and tokenised.

    Line ends become ``\n``; NUL and halves of surrogate pairs, which are no
    characters, become U+FFFD. A text of which nobody sees anything is none.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\x00", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if not "!" <= text[:1] <= "~" and not text.isspace() and is_blank(text):
        return ""
    return text


def title_of(fields: Mapping[str, Any]) -> str:
    """Return a record's title, where it has one."""
    for key in _TITLE_KEYS:
        value = fields.get(key)
        if isinstance(value, str) and value.strip():
            return " ".join(clean(value).split())[:300]
    return ""


def date_of(fields: Mapping[str, Any]) -> str:
    """Return a record's date as ``YYYY-MM-DD``, from text or seconds since 1970; else empty."""
    metadata = fields.get("metadata")
    for place in (fields, metadata if isinstance(metadata, dict) else {}):
        for key in _DATE_KEYS:
            if key not in place:
                continue
            value = place[key]
            if isinstance(value, str) and (found := date_in(value[:40])):
                return found
            # A larger one is no time, and may be too large for a float.
            if isinstance(value, int | float) and not isinstance(value, bool) and value < 1e14:
                seconds = value / 1000 if value > 1e11 else value
                # Smaller numbers are counters, not times.
                if 3e8 < seconds < 1e10:
                    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    return ""


def metadata_of(
    fields: Mapping[str, Any], spoken: Collection[str] = _SPOKEN_KEYS
) -> dict[str, str]:
    """Return a record's further columns as text: numbers, words and flags, not its lists.

    Args:
        fields: The record. What stands in its ``metadata`` counts as columns of its own.
        spoken: The columns that became turns.
    """
    kept: dict[str, str] = {}
    for key, value in _further(fields, spoken):
        if len(kept) >= MAX_COLUMNS:
            break
        if isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, str):
            text = value
        elif isinstance(value, int | float):
            try:
                text = str(value)
            except ValueError:
                # Python refuses to print an integer of more than 4,300 digits.
                continue
        else:
            continue
        if text:
            kept[clean(str(key)[:100])] = clean(text[:MAX_METADATA])
    return kept


def _further(fields: Mapping[str, Any], spoken: Collection[str]) -> Iterator[tuple[Any, Any]]:
    for name in _INNER_KEYS:
        inner = fields.get(name)
        if isinstance(inner, str) and inner.startswith("{") and len(inner) < 10_000:
            try:
                inner = json.loads(inner, parse_constant=no_value)
            except (ValueError, RecursionError):
                continue
        if isinstance(inner, dict):
            yield from inner.items()
    for key, value in fields.items():
        written = isinstance(value, str) and key in _INNER_KEYS and value.startswith("{")
        if key not in spoken and not written:
            yield key, value
