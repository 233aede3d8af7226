"""How text goes into SQLite and comes back, whatever is in it.

SQLite takes UTF-8 text; a Python string may hold lone surrogates (a file name or a
JSON escape that is not Unicode) and NUL, at which SQLite's text functions stop.
Such a string is stored as a BLOB of its bytes under ``surrogatepass``, all others as
TEXT. Both directions are exact, and equal strings are stored equally, so that
comparison and uniqueness hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from engine.models import NO_METADATA, Alternative, Turn, canonical_json

LABEL_WIDTH = 80

# Scripts without spaces between words: each character is indexed as a word of its own.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def pack(value: Any) -> Any:
    """Return what is bound to a statement for a value: text that SQLite can't hold as bytes."""
    if not isinstance(value, str):
        return value
    if _UNSTORABLE.search(value) is None:
        return value
    return value.encode("utf-8", "surrogatepass")


def unpack(value: Any) -> Any:
    """Return the value that :func:`pack` was given."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def dump_turns(turns: Sequence[Turn]) -> str:
    """Return turns as the JSON that is stored."""
    return canonical_json(turns)


def load_turns(text: str) -> tuple[Turn, ...]:
    """Return the turns that :func:`dump_turns` was given."""
    return tuple(Turn(role, content) for role, content in json.loads(text))


def dump_alternatives(alternatives: Sequence[Alternative]) -> str:
    """Return the other texts of turns as the JSON that is stored."""
    if not alternatives:
        return "[]"
    pairs = [[other.turn, other.content] for other in alternatives]
    return json.dumps(pairs, ensure_ascii=False, separators=(",", ":"))


def load_alternatives(text: str) -> tuple[Alternative, ...]:
    """Return the alternatives that :func:`dump_alternatives` was given."""
    if text == "[]":
        return ()
    return tuple(Alternative(turn, content) for turn, content in json.loads(text))


def dump_texts(values: Mapping[str, str] | Sequence[str]) -> str:
    """Return texts, by name or in a row, as JSON."""
    plain = dict(values) if isinstance(values, Mapping) else list(values)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def load_mapping(text: str) -> Mapping[str, str]:
    """Return the mapping that :func:`dump_texts` was given."""
    return MappingProxyType(json.loads(text)) if text != "{}" else NO_METADATA


def search_text(*texts: str) -> str:
    """Return texts as the full text index takes them."""
    joined = _UNSTORABLE.sub(" ", "\n".join(texts))
    return _UNSPACED.sub(r" \g<0> ", joined)


def search_query(text: str) -> str:
    """Return a person's words as a full text query that can't be malformed.

    Every word is a quoted string, so that operators and quotes in it are plain text;
    all words must occur, each as the beginning of a word.

    Returns:
        The query; empty where no word has a letter or digit, which finds nothing.
    """
    words = [word for word in _UNSTORABLE.sub(" ", text).split() if any(map(str.isalnum, word))]
    quoted = (_UNSPACED.sub(r" \g<0> ", word).replace('"', '""') for word in words[:32])
    return " ".join(f'"{word}"*' for word in quoted)


def label(heading: str, title: str, turns: Sequence[Turn]) -> str:
    """Return the line by which the queue shows an example.

    That is its heading, else its document's title, else the first line of the user's
    turn, else of any turn; white space is folded and 80 characters are kept.
    """
    spoken = [turn.content for turn in turns if turn.role == "user"]
    spoken += [turn.content for turn in turns if turn.role != "user"]
    for candidate in (heading, title, *spoken):
        for line in candidate.splitlines():
            folded = " ".join(line.split())
            if folded:
                return folded if len(folded) <= LABEL_WIDTH else folded[: LABEL_WIDTH - 1] + "…"
    return ""
