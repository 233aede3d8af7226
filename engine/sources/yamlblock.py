"""The YAML on top of a note: read fast where it is plain, guarded where it is hostile.

Most frontmatter is a handful of ``key: value`` lines and lists of words. Those are read
here, wherever it is certain that YAML would give the same; all else goes to libyaml.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

MAX_LENGTH = 100_000
"""The longest frontmatter that is parsed, in characters."""

_MAX_DEPTH = 100
_MAX_VALUES = 10_000

_PAIR = re.compile(r"([^\W\d_][\w-]{0,60}(?: [\w-]{1,60}){0,4}):(?: +(\S.*))?")
_ENTRY = re.compile(r"( *)- +(\S.*)")
_PLAIN_LINE = re.compile(r"^([A-Za-z][\w -]{0,60}):[ \t]*(.*)$")
_LISTED = re.compile(r"^\s*-\s+(.*)$")
# What YAML may read as something else than it looks: control characters, other kinds of
# line ends, marks of byte order. Rare signs are left to YAML too.
_ODD = re.compile(
    "[^\n\x20-\x7e\u00a1-\u167f\u1681-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\ud7ff"
    "\uf900-\ufdcf\ufdf0-\ufefe\uff00-\uffef\U0001f000-\U0001fbff]"
)
_QUOTED = re.compile(r"\"([^\"\\]*)\"|'([^']*)'")
_WORD = re.compile(r"[^\W\d_][\w /-]*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(?:[+-]\d{2}:\d{2})?)?")
_INTEGER = re.compile(r"0|[1-9]\d{0,15}")
_DECIMAL = re.compile(r"\d{1,12}\.\d{1,12}")
_INDENT = re.compile(r"^[ ?:-]*", re.MULTILINE)
_MEANT_OTHERWISE = frozenset(
    form
    for word in ("yes", "no", "true", "false", "on", "off", "null")
    for form in (word, word.title(), word.upper())
)


Load = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a block says.

    ``problem`` is what is wrong with it, ``line`` the line of that, from 1, and ``code``
    its stable name; they are empty and 0 where nothing is.
    """

    values: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    line: int = 0
    code: str = ""


class _Unsure(Exception):
    """Only YAML itself can say what this means."""


def load_block(block: str, load: Load | None = None) -> Loaded:
    """Return the values of a block of YAML. Never raises, and runs nothing that it says.

    Args:
        block: The YAML.
        load: Loads what is not plain, with the loader that it is given; PyYAML by default.
    """
    if len(block) > MAX_LENGTH:
        problem = "the frontmatter is longer than any that is written by hand"
        return Loaded(_rescue(block), problem, 1, "broken-yaml")
    simple = simple_values(block)
    return _load(block, load) if simple is None else Loaded(simple)


def simple_values(block: str) -> dict[str, Any] | None:
    """Return what a plain block says, exactly as YAML reads it; None where that is not certain."""
    if _ODD.search(block):
        return None
    try:
        return _simple(block.split("\n"))
    except _Unsure:
        return None


def _simple(lines: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    key = ""
    entries: list[Any] | None = None
    indent = ""
    for line in lines:
        line = line.rstrip(" ")
        if not line:
            continue
        pair = _PAIR.fullmatch(line)
        if pair is not None:
            key = pair[1]
            if key in _MEANT_OTHERWISE:
                raise _Unsure
            written = pair[2]
            values[key] = None if written is None else _value(written)
            entries = None if written is None else []
            continue
        entry = _ENTRY.fullmatch(line)
        if entry is None or not key:
            raise _Unsure
        if values[key] is None:
            entries = values[key] = []
            indent = entry[1]
        elif entries is not values[key] or entry[1] != indent:
            raise _Unsure
        entries.append(_scalar(entry[2]))
    return values


def _value(text: str) -> Any:
    if text[0] != "[":
        return _scalar(text)
    inner = text[1:-1].strip(" ")
    if text[-1] != "]" or len(text) < 2:
        raise _Unsure
    if not inner:
        return []
    return [_flow_word(part.strip(" ")) for part in inner.split(",")]


def _flow_word(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    if quoted is not None:
        return quoted[1] if quoted[2] is None else quoted[2]
    if _WORD.fullmatch(text) and text not in _MEANT_OTHERWISE:
        return text
    raise _Unsure


def _scalar(text: str) -> Any:
    first = text[0]
    if first.isalpha():
        plain = " #" not in text and ": " not in text and text[-1] != ":"
        if plain and text not in _MEANT_OTHERWISE:
            return text
    elif first in "\"'":
        quoted = _QUOTED.fullmatch(text)
        if quoted is not None:
            return quoted[1] if quoted[2] is None else quoted[2]
    elif first in "0123456789":
        return _number(text)
    raise _Unsure


def _number(text: str) -> Any:
    if not text.isascii():
        raise _Unsure
    try:
        if match := _DATE.fullmatch(text):
            return datetime.fromisoformat(text) if match[1] else date.fromisoformat(text)
    except ValueError:
        raise _Unsure from None
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    raise _Unsure


def _load(block: str, load: Load | None) -> Loaded:
    import yaml

    load = load or yaml.load
    # libyaml's loader is faster, but deep nesting overflows its stack and ends the process.
    if _opens_deeply(block):
        return _broken(block, "it is nested too deeply", 1)
    deep = max(map(len, _INDENT.findall(block)), default=0) > _MAX_DEPTH
    fast: Any = yaml.SafeLoader if deep else getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if "*" in block and "&" in block:
            node = yaml.compose(block, Loader=fast)
            if node is not None and _expanded(node) > _MAX_VALUES:
                problem = f"its YAML aliases stand for more than {_MAX_VALUES:,} values"
                return Loaded(_rescue(block), problem, 1, "yaml-aliases")
        try:
            loaded = load(block, Loader=fast)
        except yaml.YAMLError:
            # Read again for its better messages.
            loaded = load(block, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        what = str(getattr(error, "problem", "") or "it can't be parsed")
        # A quote or bracket that is never closed is noticed later, but stands where it began.
        opened = "end of stream" in what or "flow" in str(getattr(error, "context", ""))
        place = "context_mark" if opened else "problem_mark"
        mark = getattr(error, place, None) or getattr(error, "problem_mark", None)
        return _broken(block, what, mark.line + 1 if mark is not None else 1)
    except RecursionError:
        return _broken(block, "it is nested too deeply", 1)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        # PyYAML lets these through for impossible dates and keys that can't be one.
        return _broken(block, str(error), 1)
    if loaded is None:
        return Loaded()
    if not isinstance(loaded, dict):
        problem = "the frontmatter is not a list of keys and values"
        return Loaded({}, problem, 1, "broken-yaml")
    return Loaded({_key(key): value for key, value in loaded.items()})


def _broken(block: str, what: str, line: int) -> Loaded:
    problem = f"the frontmatter is not valid YAML: {what}"
    return Loaded(_rescue(block), problem, line, "broken-yaml")


def _key(key: Any) -> str:
    try:
        return str(key)
    except ValueError:
        # Python refuses to print an integer of more than 4,300 digits.
        return ""


def _opens_deeply(block: str) -> bool:
    """Say whether many brackets are open at once."""
    if block.count("[") + block.count("{") <= _MAX_DEPTH:
        return False
    depth = 0
    for character in block:
        if character in "[{":
            depth += 1
            if depth > _MAX_DEPTH:
                return True
        elif character in "]}" and depth:
            depth -= 1
    return False


def _expanded(root: Any) -> int:
    """Return how many values a tree of YAML nodes has with each alias written out.

    One that holds itself would have no end, and counts as too many.
    """
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()
    pending: list[tuple[Any, bool]] = [(root, False)]
    while pending:
        node, done = pending.pop()
        name = id(node)
        if done:
            open_nodes.discard(name)
            sizes[name] = 1 + sum(sizes.get(id(child), 1) for child in _children(node))
        elif name not in sizes:
            if name in open_nodes:
                return _MAX_VALUES + 1
            open_nodes.add(name)
            pending.append((node, True))
            for child in _children(node):
                if id(child) in open_nodes:
                    return _MAX_VALUES + 1
                if id(child) not in sizes:
                    pending.append((child, False))
    return sizes[id(root)]


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node.value, str):
        return
    for child in node.value:
        if isinstance(child, tuple):
            yield from child
        else:
            yield child


def _rescue(block: str) -> dict[str, Any]:
    """Read the plain ``key: value`` lines of a block that is not valid YAML."""
    values: dict[str, Any] = {}
    key = ""
    for line in block[:MAX_LENGTH].split("\n"):
        match = _PLAIN_LINE.match(line)
        if match:
            key = match[1]
            values[key] = match[2].strip().strip("\"'")
            continue
        item = _LISTED.match(line)
        if item and key and not values.get(key):
            values[key] = [item[1].strip("\"' ")]
        elif item and key and isinstance(values.get(key), list):
            values[key].append(item[1].strip("\"' "))
    return values
