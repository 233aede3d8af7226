"""Reading a file of templates, and saying everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine import toml
from engine.sources.facts import clean
from engine.sources.synthetic.book import Book, Space, Template, Values, Wording
from engine.sources.synthetic.grammar import GrammarError, Slot, Text, parse
from engine.sources.synthetic.lines import Lines, Path
from engine.sources.synthetic.problems import Broken, Problem, nearest

FORMAT = "finetui-synthetic"
VERSION = 1
MAX_COMBINATIONS = 1_000_000
"""The most texts that one template can become in one language."""

_TOP = ("format", "version", "languages", "slots", "topic")
_TOPIC = ("name", "template")
_WORDING = ("question", "casual", "answer")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL = re.compile(r"[^\W_][\w .-]{0,59}")
_SYNTAX = re.compile(r"^(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.S)


def load(source: str) -> Book:
    """Read a file of templates.

    Args:
        source: The TOML.

    Raises:
        Broken: Something in it has to be mended; the error lists everything that was found.
    """
    try:
        tree = toml.loads(source)
        lines = Lines(source)
    except (toml.TooDeep, RecursionError) as error:
        said = str(error) if isinstance(error, toml.TooDeep) else "it is nested too deeply"
        raise Broken([Problem(1, "toml-syntax", said)]) from None
    except ValueError as error:
        raise Broken([_syntax(error, source)]) from error
    return _Loader(tree, lines).book()


def looks_like_templates(source: str) -> bool:
    """Say whether a text, or the beginning of one, calls itself a file of templates."""
    return re.search(rf"""^\s*format\s*=\s*["']{FORMAT}["']""", source, re.M) is not None


def _syntax(error: ValueError, source: str) -> Problem:
    found = _SYNTAX.match(str(error))
    if found is None:
        return Problem(1, "toml-syntax", f"it is not TOML: {error}")
    line = int(found[2]) if found[2] else source.count("\n") + 1
    column = f" at column {found[3]}" if found[3] else " at the end of the file"
    return Problem(line, "toml-syntax", f"it is not TOML: {found[1].lower()}{column}")


class _Loader:
    """Reads one file, and goes on behind whatever is wrong."""

    def __init__(self, tree: Mapping[str, Any], lines: Lines) -> None:
        self._tree = tree
        self._lines = lines
        self._problems: list[Problem] = []
        self._languages: tuple[str, ...] = ()
        self._slots: dict[str, frozenset[str]] = {}
        self._values: dict[str, dict[str, Sequence[Mapping[str, str]]]] = {}

    def book(self) -> Book:
        self._check_keys(self._tree, _TOP, ())
        self._check_version()
        self._languages = self._read_languages()
        self._read_slots()
        templates = tuple(self._templates())
        if not templates and not self._problems:
            self._say((), "no-template", "it has no template", "add a [[topic.template]]")
        if self._problems:
            raise Broken(self._problems)
        return Book(self._languages, templates)

    def _say(self, path: Path, code: str, message: str, hint: str = "") -> None:
        self._problems.append(Problem(self._lines.line(*path), code, message, hint))

    def _check_keys(self, table: Mapping[str, Any], known: Sequence[str], path: Path) -> None:
        for key in table:
            if key not in known:
                self._say(
                    (*path, key), "unknown-key", f"there is no key {key}", nearest(key, known)
                )

    def _check_version(self) -> None:
        if self._tree.get("format", FORMAT) != FORMAT:
            self._say(("format",), "unknown-format", f'format must be "{FORMAT}"')
        if self._tree.get("version", VERSION) != VERSION:
            self._say(
                ("version",),
                "unknown-format",
                f"version {self._tree['version']} of the format is not known",
                f"this finetui reads version {VERSION}",
            )

    def _read_languages(self) -> tuple[str, ...]:
        given = self._tree.get("languages")
        hint = 'write, for one: languages = ["en", "ro"]'
        if not isinstance(given, list) or not given:
            self._say(("languages",), "missing-language", "it names no languages", hint)
            return ()
        for number, code in enumerate(given):
            if not isinstance(code, str) or not _LANGUAGE.fullmatch(code):
                message = f"{code!r} is not the code of a language"
                self._say(("languages", number), "unknown-language", message, hint)
            elif code in given[:number]:
                self._say(("languages", number), "same-name", f"{code} is named twice")
        return tuple(dict.fromkeys(code for code in given if isinstance(code, str)))

    # Slots

    def _read_slots(self) -> None:
        self._values = {language: {} for language in self._languages}
        slots = self._tree.get("slots", {})
        if not isinstance(slots, dict):
            self._say(("slots",), "wrong-type", "slots must be a table", 'write: name = "Nova"')
            return
        for name, value in slots.items():
            path: Path = ("slots", name)
            if not _NAME.fullmatch(name):
                message = f"{name!r} can't be the name of a slot"
                self._say(path, "wrong-name", message, "a name has letters, digits and _")
            elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
                self._read_records(name, value, path)
            else:
                self._slots[name] = frozenset({""})
                for language in self._languages:
                    texts = self._texts(self._in_language(value, language, path), path)
                    self._values[language][name] = [{"": text} for text in texts]

    def _read_records(self, name: str, records: Sequence[Any], path: Path) -> None:
        tables = [record for record in records if isinstance(record, dict)]
        fields = frozenset(field for table in tables for field in table)
        self._slots[name] = fields
        for number, record in enumerate(records):
            if not isinstance(record, dict):
                message = f"value {number + 1} of {name} is no table, but others are"
                self._say((*path, number), "wrong-type", message)
                continue
            for field in sorted(fields - record.keys()):
                message = f"value {number + 1} of {name} has no {field}"
                near = nearest(field, record, f'add {field} = "…"')
                self._say((*path, number), "missing-field", message, near)
        for language in self._languages:
            self._values[language][name] = [
                {
                    field: self._one(
                        self._in_language(table[field], language, (*path, number, field)),
                        (*path, number, field),
                    )
                    for field in table
                }
                for number, table in enumerate(tables)
            ]

    def _in_language(self, value: Any, language: str, path: Path) -> Any:
        """Return what a value is in a language; one that is no table is so in all."""
        if not isinstance(value, dict):
            return value
        for key in value:
            if key not in self._languages and language == self._languages[0]:
                near = nearest(key, self._languages)
                self._say((*path, key), "unknown-language", f"{key} is not in languages", near)
        if language not in value:
            message = f"{'.'.join(map(str, path[1:]))} has no {language}"
            self._say(path, "missing-language", message, f'add {language} = "…"')
            return None
        return value[language]

    def _one(self, value: Any, path: Path) -> str:
        texts = self._texts(value, path)
        if len(texts) > 1:
            self._say(path, "wrong-type", "one text is wanted here, not a list")
        return texts[0] if texts else ""

    def _texts(self, value: Any, path: Path) -> list[str]:
        return list(self._placed(value, path))

    def _placed(self, value: Any, path: Path) -> dict[str, Path]:
        """Return a text or a list of texts, each with its place; what is none is reported."""
        if value is None:
            return {}
        given = value if isinstance(value, list) else [value]
        if not given:
            self._say(path, "empty-choice", f"{path[-1]} is an empty list", "write at least one")
        texts: dict[str, Path] = {}
        for number, text in enumerate(given):
            here = (*path, number) if isinstance(value, list) else path
            if not isinstance(text, str):
                self._say(here, "wrong-type", f"{path[-1]} must be a text, or a list of texts")
            elif not text.strip():
                self._say(here, "empty-choice", f"{path[-1]} is empty", "fill it, or take it out")
            elif clean(text) in texts:
                shown = text if len(text) <= 40 else text[:39] + "…"
                self._say(here, "same-option", f"{shown!r} stands here twice", "take one out")
            else:
                texts[clean(text)] = here
        return texts

    # Templates

    def _tables(
        self, value: Any, path: Path, example: str
    ) -> Iterator[tuple[Path, dict[str, Any]]]:
        if isinstance(value, dict):
            message = f"{path[-1]} must be written with two brackets"
            self._say(path, "wrong-type", message, f"write {example}")
            return
        for number, table in enumerate(value if isinstance(value, list) else []):
            if isinstance(table, dict):
                yield (*path, number), table
            else:
                self._say((*path, number), "wrong-type", f"this is no table; write {example}")

    def _name(self, table: Mapping[str, Any], path: Path, seen: set[str], what: str) -> str:
        name = table.get("name")
        if not isinstance(name, str) or not _LABEL.fullmatch(name):
            hint = 'write, for one: name = "who-are-you"'
            self._say((*path, "name"), "wrong-name", f"the {what} needs a name", hint)
            return ""
        if name in seen:
            message = f"another {what} is called {name}"
            self._say((*path, "name"), "same-name", message, "give it a name of its own")
        seen.add(name)
        return name

    def _templates(self) -> Iterator[Template]:
        topics: set[str] = set()
        for path, topic in self._tables(self._tree.get("topic"), ("topic",), "[[topic]]"):
            self._check_keys(topic, _TOPIC, path)
            name = self._name(topic, path, topics, "topic")
            inner = (*path, "template")
            names: set[str] = set()
            found = list(self._tables(topic.get("template"), inner, "[[topic.template]]"))
            if not found and "template" not in topic:
                message = f"the topic {name} has no template"
                self._say(path, "no-template", message, "add a [[topic.template]]")
            for here, table in found:
                yield self._template(name, table, here, names)

    def _template(
        self, topic: str, table: Mapping[str, Any], path: Path, names: set[str]
    ) -> Template:
        name = self._name(table, path, names, "template")
        for key in table:
            if key != "name" and key not in self._languages:
                near = nearest(key, ("name", *self._languages))
                if _LANGUAGE.fullmatch(key):
                    near = f"add it to languages, or take it out; {near}"
                self._say((*path, key), "unknown-key", f"{key} is none of the languages", near)
        wordings: dict[str, Wording] = {}
        for language in self._languages:
            inner = table.get(language)
            if not isinstance(inner, dict):
                message = f"the template {topic}/{name} is not there in {language}"
                hint = f"add {language}.question and {language}.answer"
                self._say((*path, language), "missing-language", message, hint)
                continue
            wordings[language] = self._wording(inner, language, (*path, language))
        return Template(topic, name, self._lines.line(*path), wordings)

    def _wording(self, table: Mapping[str, Any], language: str, path: Path) -> Wording:
        self._check_keys(table, _WORDING, path)
        for key in ("question", "answer"):
            if key not in table:
                self._say(path, "missing-key", f"{key} is missing", f'add {path[-1]}.{key} = "…"')
        values = self._values[language]
        spaces = {
            key: self._space(table.get(key), values, language, (*path, key)) for key in _WORDING
        }
        return Wording(spaces["question"], spaces["casual"], spaces["answer"])

    def _space(self, value: Any, values: Values, language: str, path: Path) -> Space:
        texts: list[Text] = []
        for source, here in self._placed(value, path).items():
            text = self._parsed(source, here)
            if text is None:
                continue
            unknown = [slot for slot in text.slots() if not self._knows(slot, language, here)]
            if not unknown:
                texts.append(text)
        space = Space(texts, values)
        if space.size() > MAX_COMBINATIONS:
            message = f"{path[-1]} can become {_count(space.size())} texts"
            hint = (
                f"at most {MAX_COMBINATIONS:,} are taken: take choices out, or make two templates"
            )
            self._say(path, "too-many", message, hint)
            return Space((), values)
        return space

    def _parsed(self, source: str, path: Path) -> Text | None:
        try:
            text = parse(source)
        except GrammarError as error:
            line = self._lines.line_in(error.offset, *path)
            self._problems.append(Problem(line, error.code, error.reason, error.hint))
            return None
        if text.can_be_blank():
            message = f"{path[-1] if isinstance(path[-1], str) else path[-2]} can come out empty"
            self._say(path, "empty-choice", message, "leave some text outside of the choices")
            return None
        return text

    def _knows(self, slot: Slot, language: str, path: Path) -> bool:
        fields = self._slots.get(slot.name)
        known = [
            f"{name}.{field}" if field else name
            for name, fields in self._slots.items()
            for field in fields
        ]
        if fields is None or slot.field not in fields:
            line = self._lines.line_in(slot.offset, *path)
            message = f"there is no slot {{{slot.written}}}"
            hint = nearest(slot.written, known, "" if known else "add it under [slots]")
            self._problems.append(Problem(line, "unknown-slot", message, hint))
            return False
        # A slot that lacks the language was reported where it stands.
        return bool(self._values[language].get(slot.name))


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**15 else "more than a quadrillion"
