"""Where a value stands in a configuration file, and how another one is written there.

Each form finds the value by itself and says how the new text is quoted; whether the whole file
then says what it should is checked by reading it with an ordinary parser.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from engine import toml


class NotThatForm(ValueError):
    """The text is not of the form, or the value can't be changed alone; says why."""


class NoSuchKey(NotThatForm):
    """The key is not there; ``near`` are keys that are."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__("it has no such key")
        self.known = tuple(known)


class Form(Protocol):
    """A form of configuration files."""

    name: str

    def value(self, text: str, key: str) -> Any:
        """Return the value of a key.

        Raises:
            NotThatForm: The text can't be read, or the key is not there.
        """

    def replaced(self, text: str, key: str, value: str) -> str:
        """Return the text with another value at a key, and all else as it was.

        Raises:
            NotThatForm: The text can't be read, the key is not there, or it holds no single value.
        """


def form_of(path: Path) -> Form | None:
    """Return the form of a file by its name; None for one that is not known."""
    name = path.name.lower()
    if name.endswith(".json"):
        return _Json()
    if name.endswith(".toml"):
        return _Toml()
    if name.endswith((".yaml", ".yml")):
        return _Yaml()
    if name.endswith(".env") or name.startswith(".env") or name == "env":
        return _Dotenv()
    return None


# -- .env ---------------------------------------------------------------------------------

_KEY = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<key>'[^']+'|[^=#\s]+)[ \t]*")
_SINGLE = re.compile(r"'((?:\\'|[^'])*)'")
_DOUBLE = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_PLAIN = re.compile(r"[^\r\n]*?(?=[ \t]+#|[ \t]*(?:[\r\n]|$))")
_SAFE = re.compile(r"[A-Za-z0-9_./:@%+,~-]+")
_LINE_END = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")


class _Dotenv:
    """The form that python-dotenv documents, which shells and Docker Compose share in this part."""

    name = ".env"

    def value(self, text: str, key: str) -> str:
        found = list(self._entries(text))
        values = {name: value for name, _, _, value in found}
        if key not in values:
            raise NoSuchKey(list(values))
        return values[key]

    def replaced(self, text: str, key: str, value: str) -> str:
        before = self.value(text, key)
        # Of a key that is there twice the last one counts.
        _, start, end, _ = [entry for entry in self._entries(text) if entry[0] == key][-1]
        for written in _env_quoted(value, text[start : start + 1]):
            changed = text[:start] + written + text[end:]
            wanted = {name: one for name, _, _, one in self._entries(text)} | {key: value}
            if {name: one for name, _, _, one in self._entries(changed)} == wanted:
                return changed
        raise NotThatForm(f"{value!r} can't be written there in place of {before!r}")

    def _entries(self, text: str) -> Iterator[tuple[str, int, int, str]]:
        """Yield each key with where its value begins and ends, and the value."""
        at = 0
        while at < len(text):
            found = _KEY.match(text, at)
            if found is None or text[found.end() : found.end() + 1] != "=":
                at = self._next_line(text, at)
                continue
            start = found.end() + 1
            while text[start : start + 1] in (" ", "\t"):
                start += 1
            end, value = _env_value(text, start)
            yield found["key"].strip("'"), start, end, value
            at = self._next_line(text, end)

    @staticmethod
    def _next_line(text: str, at: int) -> int:
        found = _LINE_END.match(text, at)
        return max(found.end() if found else len(text), at + 1)


def _env_value(text: str, start: int) -> tuple[int, str]:
    if (found := _SINGLE.match(text, start)) is not None:
        return found.end(), re.sub(r"\\([\\'])", r"\1", found[1])
    if (found := _DOUBLE.match(text, start)) is not None:
        return found.end(), re.sub(r"\\(.)", _unescaped, found[1], flags=re.DOTALL)
    found = _PLAIN.match(text, start)
    assert found is not None
    return found.end(), found[0]


_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def _unescaped(found: re.Match[str]) -> str:
    letter = found[1]
    return _ESCAPES.get(letter, letter if letter in "\\'\"" else found[0])


def _env_quoted(value: str, quote: str) -> Iterator[str]:
    """Yield how a value can be written, the way it was written before first."""
    forms = {}
    if "\n" not in value and "\r" not in value:
        if _SAFE.fullmatch(value):
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


# -- JSON, TOML and YAML: keys with dots between their parts -----------------------------


def _steps(document: Any, key: str) -> list[Any]:
    """Return the keys and indices that lead to a value; a part may itself have dots.

    Raises:
        NoSuchKey: Nothing is there.
    """
    found = _path(document, key.split("."))
    if found is None:
        raise NoSuchKey(sorted(_paths(document, "")))
    return found


def _path(document: Any, parts: Sequence[str]) -> list[Any] | None:
    if not parts:
        return []
    for count in range(len(parts), 0, -1):
        name: Any = ".".join(parts[:count])
        if isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            name = int(name)
        elif not (isinstance(document, dict) and name in document):
            continue
        rest = _path(document[name], parts[count:])
        if rest is not None:
            return [name, *rest]
    return None


def _paths(document: Any, before: str) -> Iterator[str]:
    if isinstance(document, dict):
        for name, inner in document.items():
            path = f"{before}.{name}" if before else str(name)
            yield path
            yield from _paths(inner, path)


def _at(document: Any, steps: Sequence[Any]) -> Any:
    for step in steps:
        document = document[step]
    return document


def _with(document: Any, steps: Sequence[Any], value: str) -> Any:
    changed = copy.deepcopy(document)
    _at(changed, steps[:-1])[steps[-1]] = value
    return changed


def _single(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise NotThatForm("the key holds a group of values, not a single one")
    return value


class _Tree:
    """A form whose files are one document of mappings and lists."""

    def value(self, text: str, key: str) -> Any:
        document = self._read(text)
        return _single(_at(document, _steps(document, key)))

    def replaced(self, text: str, key: str, value: str) -> str:
        document = self._read(text)
        steps = _steps(document, key)
        _single(_at(document, steps))
        wanted = _with(document, steps, value)
        for changed in self._changes(text, steps, value):
            try:
                if self._read(changed) == wanted:
                    return changed
            except NotThatForm:
                continue
        raise NotThatForm("the value can't be changed by itself")

    def _changes(self, text: str, steps: Sequence[Any], value: str) -> Iterator[str]:
        """Yield texts with another value; reading tells which one is meant."""
        raise NotImplementedError

    @staticmethod
    def _read(text: str) -> Any:
        raise NotImplementedError


class _Json(_Tree):
    name = "JSON"

    def _changes(self, text: str, steps: Sequence[Any], value: str) -> Iterator[str]:
        start, end = _json_span(text, steps)
        yield text[:start] + json.dumps(value, ensure_ascii=False) + text[end:]

    @staticmethod
    def _read(text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise NotThatForm(f"it can't be read as JSON: {error}") from error


_BLANK = re.compile(r"[ \t\r\n]*")


def _json_span(text: str, steps: Sequence[Any]) -> tuple[int, int]:
    """Return where a value begins and ends in a text that is known to be JSON."""
    decode = json.JSONDecoder().raw_decode
    at = _skip(text, 0)
    for step in steps:
        is_object = text[at] == "{"
        place, index, at = None, 0, _skip(text, at + 1)
        while text[at] not in "]}":
            name: Any = index
            if is_object:
                name, at = decode(text, at)
                at = _skip(text, _skip(text, at) + 1)
            if name == step:  # of a name that is there twice the last one counts
                place = at
            _, at = decode(text, at)
            at = _skip(text, at)
            if text[at] == ",":
                at = _skip(text, at + 1)
            index += 1
        assert place is not None
        at = place
    return at, decode(text, at)[1]


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


_TOML_VALUE = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|[^\s,#\]}][^,#\]}\r\n]*?(?=[ \t]*(?:[,#\]}\r\n]|$))",
    re.DOTALL,
)


class _Toml(_Tree):
    name = "TOML"

    def _changes(self, text: str, steps: Sequence[Any], value: str) -> Iterator[str]:
        for start, end in self._places(text, str(steps[-1])):
            written = _toml_string(value, literal=text[start : start + 1] == "'")
            yield text[:start] + written + text[end:]

    @staticmethod
    def _places(text: str, name: str) -> Iterator[tuple[int, int]]:
        """Yield each place that may be the value of a name; reading tells which one it is."""
        quoted = "|".join(
            re.escape(form) for form in (name, json.dumps(name, ensure_ascii=False), f"'{name}'")
        )
        for found in re.finditer(rf"(?<![\w-])(?:{quoted})[ \t]*=[ \t]*", text):
            value = _TOML_VALUE.match(text, found.end())
            if value is not None:
                yield value.span()

    @staticmethod
    def _read(text: str) -> Any:
        try:
            return toml.loads(text)
        except ValueError as error:
            raise NotThatForm(f"it can't be read as TOML: {error}") from error


def _toml_string(value: str, *, literal: bool) -> str:
    if literal and "'" not in value and value.isprintable():
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


class _Yaml(_Tree):
    name = "YAML"

    def _changes(self, text: str, steps: Sequence[Any], value: str) -> Iterator[str]:
        start, end = self._span(text, steps)
        for written in self._quoted(value, text[start : start + 1]):
            yield text[:start] + written + text[end:]

    @staticmethod
    def _span(text: str, steps: Sequence[Any]) -> tuple[int, int]:
        import yaml

        node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        for step in steps:
            if isinstance(node, yaml.SequenceNode):
                node = node.value[step]
                continue
            loaded = [(yaml.safe_load(yaml.serialize(name)), inner) for name, inner in node.value]
            fitting = [inner for name, inner in loaded if name == step]
            if not fitting:
                raise NotThatForm("the value comes from another place in the file")
            node = fitting[-1]
        start, end = node.start_mark.index, node.end_mark.index
        if node.style is None:  # a plain one may be said to end after blanks
            end = start + len(text[start:end].rstrip())
        return start, end

    @staticmethod
    def _quoted(value: str, quote: str) -> Iterator[str]:
        doubled = value.replace("'", "''")
        forms = {
            "'": f"'{doubled}'",
            '"': json.dumps(value, ensure_ascii=False),
            "": value if _SAFE.fullmatch(value) else "",
        }
        for name in (quote if quote in forms else "", '"', "'"):
            if forms[name]:
                yield forms[name]

    @staticmethod
    def _read(text: str) -> Any:
        import yaml

        try:
            return yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            said = " ".join(str(error).split())
            raise NotThatForm(f"it can't be read as YAML: {said}") from error
