r"""``.env`` files, as python-dotenv documents and reads them.

Shells and Docker Compose share this part of the form. A value is written so that all of them read
it alike, or not at all: ``${NAME}`` is filled in by python-dotenv between any quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.export.pointing.form import Change, NoSuchKey, NotThatForm
from engine.text import inert

_B = r"[^\S\r\n]"  # a blank within a line
_KEY = re.compile(rf"(?:export{_B}+)?+(?P<key>'[^']+'|[^=#\s'][^=#\s]*+){_B}*+(?P<sign>=?)")
_SINGLE = re.compile(r"'((?:\\.|[^'\\])*+)'", re.DOTALL)
_DOUBLE = re.compile(r'"((?:\\.|[^"\\])*+)"', re.DOTALL)
_PLAIN = re.compile(r"[^\r\n]*")
_REMARK = re.compile(r"\s+#.*")
_LINE_REST = re.compile(rf"(?:{_B}*#[^\r\n]*)?{_B}*(?:\r\n|\n|\r|\Z)")
_LINE_END = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_BLANKS = re.compile(rf"{_B}*")
_SPACE = re.compile(r"\s*")
SAFE = re.compile(r"[A-Za-z0-9_./:@%+,~-]+")
"""What needs no quotes, in ``.env`` files and in YAML."""

_ELSEWHERE = "put the file elsewhere with --models-dir, or change it by hand"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key, where its value begins and ends, and the value; None where it has none.

    ``read`` says whether its line can be read at all.
    """

    key: str
    start: int
    end: int
    value: str | None
    read: bool


class Dotenv:
    """The form of ``.env`` files."""

    name = ".env"
    most_bytes = 5_000_000

    def change(self, text: str, key: str, value: str) -> Change:
        """See :class:`~engine.export.pointing.form.Form`."""
        entries = list(_entries(text))
        mine = [entry for entry in entries if entry.key == key]
        if not mine:
            raise NoSuchKey(list(dict.fromkeys(entry.key for entry in entries)))
        if not all(entry.read for entry in mine):
            raise NotThatForm("nothing reads its line: its quotes don't close, or more follows")
        if any(entry.value is None for entry in mine):
            raise NotThatForm("it is there without a value", f"write {inert(key)}= first")
        if "${" in value:
            said = f"{value!r} can't be written there: readers fill in ${{…}} between all quotes"
            raise NotThatForm(said, _ELSEWHERE)
        last = mine[-1]  # of a key that is there twice the last one counts
        wanted = _values(entries) | {key: value}
        for written in _quoted(value, text[last.start : last.start + 1]):
            changed = text[: last.start] + written + text[last.end :]
            if _values(_entries(changed)) == wanted:
                return Change(last.value, changed)
        raise NotThatForm(f"{value!r} can't be written there in place of {last.value!r}")


def _values(entries: Iterable[_Entry]) -> dict[str, str | None]:
    return {entry.key: entry.value for entry in entries if entry.read}


def _entries(text: str) -> Iterator[_Entry]:
    at = _after(_SPACE, text, 0)
    while at < len(text):
        found = _KEY.match(text, at)
        if found is None:
            at = _after(_LINE_END, text, at)
        else:
            start, end, value = found.end(), found.end(), None
            if found["sign"]:
                start, end, value = _value(text, found.end())
            rest = _LINE_REST.match(text, end)
            broken = rest is None or (value is None and bool(found["sign"]))
            key = found["key"]
            name = key[1:-1] if key.startswith("'") else key
            yield _Entry(name, start, end, value, not broken)
            at = _after(_LINE_END, text, end) if rest is None or broken else rest.end()
        at = _after(_SPACE, text, at)


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()


def _value(text: str, sign: int) -> tuple[int, int, str | None]:
    """Return where a value begins and ends that follows an equals sign, and what it is."""
    start = _after(_BLANKS, text, sign)
    if text.startswith("#", start) and start > sign:
        return sign, sign, ""  # an empty value, and a remark
    for quote, pattern in (("'", _SINGLE), ('"', _DOUBLE)):
        if text.startswith(quote, start):
            found = pattern.match(text, start)
            if found is None:
                return start, start, None
            escapes = r"\\([\\'])" if quote == "'" else r"\\([\\'\"abfnrtv])"
            return start, found.end(), re.sub(escapes, _unescaped, found[1])
    plain = _PLAIN.match(text, start)
    assert plain is not None
    value = _REMARK.sub("", plain[0]).rstrip()
    return start, start + len(value), value


_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[1])


def _quoted(value: str, quote: str) -> Iterator[str]:
    """Yield how a value can be written, the way it was written before first."""
    forms = {}
    if "\n" not in value and "\r" not in value:
        if SAFE.fullmatch(value):
            forms[""] = value
        if "'" not in value and "\\" not in value:
            forms["'"] = f"'{value}'"
        if not set("$`") & set(value):  # they would be expanded
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            forms['"'] = f'"{escaped}"'
    first = quote if quote in ("'", '"') else ""
    for name in (first, "'", '"'):
        if name in forms:
            yield forms[name]
