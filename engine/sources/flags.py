"""What data sets write beside a message or in a row: whether it is trained, thoughts, the rest.

The names are those that trainers document:

=================================  ==============================================================
``train``, ``training``            axolotl; ``train_detail``, ``training_detail`` for parts of it
``loss``, ``loss_scale``           ms-swift
``weight``                         OpenAI, Mistral, Together, Fireworks: 0 or 1
``masked``                         torchtune, where true means not trained
``reasoning_content`` and others   DeepSeek, Qwen, vLLM, Ollama, OpenRouter, gpt-oss
=================================  ==============================================================

A turn has no mask of its own here, so that each answer of an example is trained. One that is not
to be trained is left out with its question, the same in all readers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from engine.models import Skipped
from engine.sources.columns import fold

NOT_TRAINED = "not-trained"
"""The code of answers that are marked as not to be trained on."""

NOT_A_ROW = "the row is marked as not to be trained on"
"""What is said of a row of which a flag says so."""

UNREAD = "unread-key"
"""The code of what stands beside a message's content and is not read."""

MAX_KEYS = 40
"""The most different keys that are told by name."""

_TRAIN_KEYS = ("train", "training", "loss", "loss_scale", "weight")
_DETAIL_KEYS = ("train_detail", "training_detail")
_NO = frozenset(("false", "f", "no", "n", "off"))
_YES = frozenset(("true", "t", "yes", "y", "on"))
_FLAGS = frozenset((*_TRAIN_KEYS, *_DETAIL_KEYS, "masked"))
THOUGHT_KEYS = ("reasoning_content", "thinking", "reasoning", "thoughts", "reasoning_details")
_PLACES = frozenset(("id", "uuid", "message_id", "parent_id", "parent_message_id", "index"))
_TIMES = frozenset((
    *("timestamp", "time", "date", "created", "created_at", "create_time", "updated_at"),
    *("update_time", "send_date"),
))  # fmt: skip
_COUNTED = re.compile(r"(?P<what>the key .* is not read) \((?P<count>[\d,]+) messages?\)")


def is_trained(message: Any) -> bool:
    """Say whether an answer is to be trained on, by the flags beside it.

    Where only parts of it are, it is not: nothing here can train a part.
    """
    if not isinstance(message, dict):
        return True
    if any(is_off(message.get(key)) for key in _TRAIN_KEYS) or is_on(message.get("masked")):
        return False
    parts = [part for key in _DETAIL_KEYS for part in _listed(message.get(key))]
    return not any(isinstance(part, dict) and is_off(part.get("train")) for part in parts)


def is_row_trained(row: Mapping[str, Any], used: Collection[str] = ()) -> bool:
    """Say whether a whole row is to be trained on, by flags in columns of their own.

    Args:
        row: The row.
        used: The columns that become turns, which are no flags whatever they are called.
    """
    named = ((fold(key), value) for key, value in row.items()
             if isinstance(key, str) and key not in used)  # fmt: skip
    return is_trained({name: value for name, value in named if name in _FLAGS})


def is_off(value: Any) -> bool:
    """Say whether a value says no: false or 0, also as a table or a text writes it."""
    return _says(value, _NO, 0)


def is_on(value: Any) -> bool:
    """Say whether a value says yes: true or 1, also as a table or a text writes it."""
    return _says(value, _YES, 1)


def _says(value: Any, words: Collection[str], number: int) -> bool:
    if isinstance(value, str):
        said = value.strip().lower()
        if said in words:
            return True
        try:
            return len(said) < 20 and float(said) == number
        except ValueError:
            return False
    return isinstance(value, bool | int | float) and value == number


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def thoughts_of(message: Mapping[str, Any]) -> str | None:
    """Return the thoughts beside a message's content; None for ones that are no text."""
    held = [message[key] for key in THOUGHT_KEYS if message.get(key)]
    if not held:
        return ""
    return next((value.strip() for value in held if isinstance(value, str)), None)


def thoughts_beside(row: Mapping[str, Any], used: Collection[str] = ()) -> str | None:
    """Return the thoughts in a column beside a row's answer; None for ones that are no text.

    Args:
        row: The row.
        used: The columns that become turns.
    """
    return thoughts_of({name: row[key] for key, name in thought_columns(row, used).items()})


def thought_columns(row: Mapping[str, Any], used: Collection[str] = ()) -> dict[str, str]:
    """Return the columns of a row that hold thoughts, each with its plain name."""
    named = {key: fold(key) for key in row if isinstance(key, str) and key not in used}
    # A flag of this name says whether a model was to think.
    return {key: name for key, name in named.items()
            if name in THOUGHT_KEYS and isinstance(row[key], str | list | dict)}  # fmt: skip


def with_thoughts(thoughts: str, answer: str) -> str:
    """Return an answer with its thoughts as templates that think write them."""
    return f"<think>\n{thoughts}\n</think>\n\n{answer}"


class Unread:
    """Counts what stands beside the content of messages and is not read, by its key.

    Args:
        read: The keys that a reader reads.
    """

    def __init__(self, *read: str) -> None:
        self._read = {*read, *_TRAIN_KEYS, *_DETAIL_KEYS, "masked", *THOUGHT_KEYS}
        self._read |= _PLACES | _TIMES
        self._counts: Counter[str] = Counter()
        self._first: dict[str, int] = {}
        self._others = 0

    def look(self, messages: Iterable[Any], line: int) -> None:
        """Count the further keys of messages that have a value, which stand at a line."""
        for message in messages:
            if not isinstance(message, dict) or message.keys() <= self._read:
                continue
            for key, value in message.items():
                # Where a column has a structure, each message has all of its parts.
                if key in self._read or _is_nothing(value):
                    continue
                name = " ".join(str(key).split())[:60]
                if name not in self._counts and len(self._counts) >= MAX_KEYS:
                    self._others += 1
                    continue
                self._counts[name] += 1
                self._first.setdefault(name, line)

    def reasons(self) -> list[tuple[int, str]]:
        """Return for each key the line of the first, and what is said of it."""
        told = [(self._first[key], _reason(_what(key), count))
                for key, count in self._counts.most_common()]  # fmt: skip
        if self._others:
            told.append((0, f"further keys are not read, {self._others:,} times"))
        return told


def _is_nothing(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_nothing, value.values()))
    return value is None or value in ("", [])


def _what(key: str) -> str:
    return f"the key {key!r} beside a message's content is not read"


def _reason(what: str, count: int) -> str:
    return f"{what} ({count:,} message{'' if count == 1 else 's'})"


def gathered(skips: Iterable[Skipped]) -> list[Skipped]:
    """Return skipped things with each key that is not read once, for all files together."""
    found: list[Skipped] = []
    places: dict[str, int] = {}
    counts: Counter[str] = Counter()
    for skip in skips:
        said = _COUNTED.fullmatch(skip.reason) if skip.code == UNREAD else None
        if said is None:
            found.append(skip)
            continue
        what = said["what"]
        counts[what] += int(said["count"].replace(",", ""))
        if what not in places:
            places[what] = len(found)
            found.append(skip)
            continue
        first = found[places[what]]
        found[places[what]] = Skipped(
            first.source_id, first.path, first.line, UNREAD, _reason(what, counts[what])
        )
    return found
