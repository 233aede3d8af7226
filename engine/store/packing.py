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
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from types import MappingProxyType
from typing import Any

from engine.errors import WorkspaceDamaged
from engine.models import NO_METADATA, Alternative, Turn, canonical_json

LABEL_WIDTH = 80
SAME_HASH = "="
"""Stored for a content's hash that is the example's id, as that of a row of its own is."""

# Scripts without spaces between words: each two characters are indexed as a word.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
# What the index takes for a word: letters and digits, with accents between them.
# A few vowel signs are letters for Python and none for SQLite.
_LETTER = r"[^\W_\u19b0-\u19c9\u1cf2\u1cf3]"
_WORD = re.compile(rf"{_LETTER}(?:{_LETTER}|[\u0300-\u0331])*")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def pack(value: Any) -> Any:
    """Return what is bound to a statement for a value: text that SQLite can't hold as bytes."""
    if not isinstance(value, str) or (value.isascii() and "\x00" not in value):
        return value
    if _UNSTORABLE.search(value) is None:
        return value
    return value.encode("utf-8", "surrogatepass")


def unpack(value: Any) -> Any:
    """Return the value that :func:`pack` was given."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def unreadable(what: str, why: object = "") -> WorkspaceDamaged:
    """Return the error for a stored value that is not of the form in which it is written."""
    said = f": {why}" if why else ""
    return WorkspaceDamaged(
        f"a stored value can't be read: {what}{said}",
        hint="list all such rows with: finetui journal verify",
    )


def _load(what: str, text: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise unreadable(what, error) from error


def dump_turns(turns: Sequence[Turn]) -> str:
    """Return turns as the JSON that is stored."""
    return canonical_json(turns)


def load_turns(text: str) -> tuple[Turn, ...]:
    """Return the turns that :func:`dump_turns` was given.

    Raises:
        WorkspaceDamaged: The text is another one.
    """
    try:
        turns = tuple(Turn(role, content) for role, content in _load("turns", text))
    except (ValueError, TypeError) as error:
        raise unreadable("turns", "they are no pairs of role and text") from error
    if not all(type(one.role) is type(one.content) is str for one in turns):
        raise unreadable("turns", "they are no pairs of role and text")
    return turns


def dump_alternatives(alternatives: Sequence[Alternative]) -> str:
    """Return the other texts of turns as the JSON that is stored."""
    if not alternatives:
        return "[]"
    pairs = [[other.turn, other.content] for other in alternatives]
    return json.dumps(pairs, ensure_ascii=False, separators=(",", ":"))


def load_alternatives(text: str) -> tuple[Alternative, ...]:
    """Return the alternatives that :func:`dump_alternatives` was given.

    Raises:
        WorkspaceDamaged: The text is another one.
    """
    if text == "[]":
        return ()
    try:
        found = tuple(Alternative(turn, content) for turn, content in _load("alternatives", text))
    except (ValueError, TypeError) as error:
        raise unreadable("alternatives", "they are no pairs of turn and text") from error
    if not all(type(one.turn) is int and type(one.content) is str for one in found):
        raise unreadable("alternatives", "they are no pairs of turn and text")
    return found


def dump_texts(values: Mapping[str, str] | Sequence[str]) -> str:
    """Return texts, by name or in a row, as JSON."""
    if not values:
        return "{}" if isinstance(values, Mapping) else "[]"
    plain = dict(values) if isinstance(values, Mapping) else list(values)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def load_mapping(text: str) -> Mapping[str, str]:
    """Return the mapping that :func:`dump_texts` was given.

    Raises:
        WorkspaceDamaged: The text is another one.
    """
    if text == "{}":
        return NO_METADATA
    found = _load("metadata or options", text)
    if not isinstance(found, dict) or not all(type(one) is str for one in found.values()):
        raise unreadable("metadata or options", "they are no texts by name")
    return MappingProxyType(found)


def load_texts(text: str) -> tuple[str, ...]:
    """Return the row of texts that :func:`dump_texts` was given.

    Raises:
        WorkspaceDamaged: The text is another one.
    """
    found = _load("tags", text)
    if not isinstance(found, list) or not all(type(one) is str for one in found):
        raise unreadable("tags", "they are no list of texts")
    return tuple(found)


def search_text(*texts: str) -> str:
    """Return texts as the full text index takes them.

    The index keeps no text: what is taken out of it has to be what was put in. So what this
    returns for a text never changes but with a migration that builds the index anew.
    """
    joined = "\n".join(texts)
    if joined.isascii() and "\x00" not in joined:
        return joined
    return _UNSPACED.sub(_pairs, _UNSTORABLE.sub(" ", joined))


def _pairs(run: re.Match[str]) -> str:
    """Return each two neighbours of a run of characters, and the last one, as words."""
    text = run[0]
    return f" {' '.join(text[at : at + 2] for at in range(len(text)))} "


def search_row(turns: str | bytes, heading: str | bytes, title: str | bytes) -> str:
    """Return what the full text index has of an example, from its columns as they are stored.

    A damaged row is found by nothing: it keeps no other one from being found.
    """
    try:
        spoken = [turn.content for turn in load_turns(unpack(turns))]
        return search_text(unpack(heading), unpack(title), *spoken)
    except (WorkspaceDamaged, ValueError, TypeError):
        return ""


def search_query(text: str) -> str:
    """Return a person's words as a full text query that can't be malformed.

    Every word is a quoted string, so that operators and quotes in it are plain text; all
    must occur, each as the beginning of a word. The index keeps no places, so that a word of
    several, such as "re-open", is looked for as these; :func:`beside` tells whether they
    stand together.

    Returns:
        The query; empty where no word has a letter or digit, which finds nothing.
    """
    found: list[str] = []
    for word in _words(text):
        parts = _parts(word)
        for at, part in enumerate(parts):
            # A single character of a run begins the pairs that it stands in.
            open_end = at == len(parts) - 1 or _UNSPACED.fullmatch(part)
            found.append(f'"{part}"*' if open_end else f'"{part}"')
    return " ".join(found[:_MOST_PARTS])


def joined_words(text: str) -> list[str]:
    """Return those of a person's words that the index knows as several."""
    return [word for word in _words(text) if len(_parts(word)) > 1]


_MOST_PARTS = 128


def _words(text: str) -> list[str]:
    words = [word for word in _UNSTORABLE.sub(" ", text).split() if any(map(str.isalnum, word))]
    return words[:32]


def _parts(word: str) -> list[str]:
    """Return the words of the index that a word consists of."""
    found: list[str] = []
    for part in _WORD.findall(_UNSPACED.sub(r" \g<0> ", word)):
        pairs = [part[at : at + 2] for at in range(len(part) - 1)]
        found += pairs if pairs and _UNSPACED.fullmatch(part) else [part]
    return found


def beside(turns: str | bytes, heading: str | bytes, title: str | bytes, word: str) -> bool:
    """Say whether the parts of a word stand side by side somewhere in an example."""
    try:
        spoken = [turn.content for turn in load_turns(unpack(turns))]
        text = "\n".join((unpack(heading), unpack(title), *spoken))
    except (WorkspaceDamaged, ValueError, TypeError):
        return False  # a damaged row
    return f" {_plain(word)}" in f" {_plain(text)}"


def _plain(text: str) -> str:
    """Return a text in lower case without accents, its words with one space between them."""
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", _UNSTORABLE.sub(" ", text))
        text = "".join(sign for sign in apart if not unicodedata.combining(sign))
        # Between such characters there is no word's end.
        text = _UNSPACED.sub(lambda run: f" {' '.join(run[0])} ", text)
    return " ".join(_WORD.findall(text.casefold()))


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


def asked_row(turns: str | bytes) -> Any:
    """Return the label that an example has by its question, as it is stored.

    Empty for a damaged row.
    """
    try:
        return pack(label("", "", load_turns(unpack(turns))))
    except (WorkspaceDamaged, ValueError, TypeError):
        return ""


def dump_checks(checks: Mapping[str, tuple[str, Mapping[str, Any]]]) -> tuple[str, str]:
    """Return what checks said of an example as the two texts that are stored.

    Args:
        checks: Version and measures, by the check's name.

    Returns:
        Names, versions and names of measures, which many examples share; and the values, of
        which a whole number takes no more room than it needs and comes back as an int. The
        last value stands for all that follow it.
    """
    said: list[list[Any]] = []
    values: list[Any] = []
    for name in sorted(checks):
        version, measures = checks[name]
        said.append([name, version, sorted(measures)])
        values += [_short(measures[key]) for key in sorted(measures)]
    while len(values) > 1 and values[-1] == values[-2]:
        values.pop()
    return tuple(  # type: ignore[return-value]
        json.dumps(part, ensure_ascii=False, separators=(",", ":")) for part in (said, values)
    )


def _short(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def load_checks(said: str, measures: str) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return the checks that :func:`dump_checks` was given."""
    values = json.loads(measures)
    each = chain(values, repeat(values[-1] if values else None))
    return {
        name: (version, {key: next(each) for key in keys})
        for name, version, keys in json.loads(said)
    }
