"""The tables of all languages, loaded when the first is asked for.

Reading one takes about two milliseconds. A file that is wrong is refused with the key's name
and what to do: a table that is half read would take other sections than its author meant.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Any

from engine.errors import LanguageInvalid
from engine.extract.languages.asking import Asking
from engine.extract.languages.table import DateWords, Language
from engine.extract.languages.words import Words
from engine.extract.letters import apart, fold
from engine.toml import TooDeep, loads

FOLDER = Path(__file__).parent

KINDS = ("reflection", "decision", "learning")
DECISION_PARTS = ("why", "options", "outcome", "context")
HEADINGS = (*KINDS, *DECISION_PARTS, "weak_reflection")
"""The rules that a heading's patterns can stand under."""

PARTS: Mapping[str, frozenset[str]] = {
    "in_note": frozenset({"title"}),
    "under": frozenset({"heading"}),
    "under_in_note": frozenset({"heading", "title"}),
    "under_when": frozenset({"heading", "when"}),
    "about_question": frozenset({"title", "question"}),
    "own_question": frozenset({"question"}),
}
"""The phrases in which titles stand, and the slots that each fills."""

SHAPES: Mapping[str, str] = {
    **{f"{kind}.topic": "topic" for kind in (*KINDS, "section", *DECISION_PARTS, "more")},
    **{f"{kind}.place": "place" for kind in (*KINDS, "section", *DECISION_PARTS, "more")},
    **{f"{kind}.dated": "when" for kind in (*KINDS, "section", "more")},
    **{f"{kind}.plain": "" for kind in (*KINDS, "section", "more")},
    "further": "question",
    "card": "topic",
}
"""The shapes of question that every language has, and the slot that each template fills."""

_SWITCHES = ("asks_by_word", "one_mark")
_ASKING_WORDS = (
    "not_nouns", "not_first", "articles", "interrogatives", "first_person", "pointers",
)  # fmt: skip
_KEYS: dict[str, frozenset[str]] = {
    "words": frozenset(
        {
            "common",
            "first_person",
            "not_common",
            "not_first_person",
            "weighing",
            "outcome",
            "supposing",
            "needing",
            "deciding",
            "learned",
            "addressing",
            "cited",
            "saying",
            "pointers",
            "see",
        }
    ),
    "tags": frozenset(KINDS),
    "folders": frozenset(KINDS),
    "headings": frozenset(
        {*HEADINGS, "connected", "joining", "junk", "doubtful", "others", "generic"}
    ),
    "topics": frozenset({"kinds"}),
    "dates": frozenset({"months", "words", "day", "week", "month", "first"}),
    "asking": frozenset({*PARTS, *_ASKING_WORDS, "quotes", "inner_quotes", *_SWITCHES}),
    "questions": frozenset(part for name in SHAPES for part in (name, name.split(".")[0])),
}
_REQUIRED = (
    ("words", "common"), ("words", "first_person"), *(("asking", name) for name in PARTS),
    ("dates", "months"), ("dates", "day"), ("dates", "week"), ("dates", "month"),
)  # fmt: skip
_COMMAS = re.compile("[,，、]")
_PIECE = re.compile(r"\\.|[^\\]+", re.DOTALL)


@lru_cache(maxsize=1)
def languages() -> Mapping[str, Language]:
    """Return the table of every language by its code: English first, then by code.

    Raises:
        LanguageInvalid: A file is not a valid table.
    """
    paths = sorted(FOLDER.glob("*.toml"), key=lambda path: (path.stem != "en", path.stem))
    return {path.stem: parse(path.stem, path.read_text("utf-8")) for path in paths}


def parse(code: str, text: str) -> Language:
    """Return the table that a file's text says.

    Args:
        code: The language's ISO 639-1 code, the file's name.
        text: TOML.

    Raises:
        LanguageInvalid: It is no TOML, a key is unknown or missing, a pattern is none, or
            a template has a slot that its shape has not, or lacks the one that it needs.
    """
    try:
        data = loads(text)
    except (TooDeep, tomllib.TOMLDecodeError) as error:
        raise LanguageInvalid(
            f"the language file {code}.toml is not TOML: {error}", hint="Fix the line it names."
        ) from None
    return _File(code, data).language()


class _File:
    """A language's file while it is read; every failure names the file and the key."""

    def __init__(self, code: str, data: Mapping[str, Any]) -> None:
        self._code = code
        self._data = data

    def language(self) -> Language:
        self._check_keys()
        months = tuple(self._text("dates", "months").split())
        if len(months) != 12:
            raise self._error("dates.months", f"has {len(months)} names", "Give twelve.")
        return Language(
            code=self._code,
            name=self._name(),
            is_latin="".join(self._words("words", "common")).isascii(),
            common=self._words("words", "common"),
            not_common=self._words("words", "not_common"),
            first_person=self._wild("words", "first_person"),
            not_first_person=self._compared("words", "not_first_person"),
            weighing=self._compared("words", "weighing"),
            outcome=self._compared("words", "outcome"),
            supposing=self._phrases("words", "supposing"),
            needing=self._phrases("words", "needing"),
            deciding=self._compared("words", "deciding"),
            learned=self._compared("words", "learned"),
            addressing=self._compared("words", "addressing"),
            cited=self._phrases("words", "cited"),
            saying=self._compared("words", "saying"),
            pointers=self._phrases("words", "pointers"),
            see=self._words("words", "see"),
            tags=self._kinds("tags"),
            folders=self._kinds("folders"),
            headings={rule: self._patterns("headings", rule) for rule in HEADINGS},
            connected=self._words("headings", "connected"),
            joining=self._words("headings", "joining"),
            junk="|".join(self._patterns("headings", "junk")),
            doubtful="|".join(self._patterns("headings", "doubtful")),
            others="|".join(self._patterns("headings", "others")),
            generic="|".join(self._patterns("headings", "generic")),
            kinds=self._both("topics", "kinds"),
            date_words=self._words("dates", "words") | {fold(month) for month in months},
            dates=DateWords(months, *map(self._date, ("day", "week", "month", "first"))),
            asking=self._asking(),
        )

    def _error(self, key: str, fault: str, hint: str) -> LanguageInvalid:
        return LanguageInvalid(f"the language file {self._code}.toml: {key} {fault}", hint=hint)

    def _check_keys(self) -> None:
        self._check(self._data.keys(), {"name", *_KEYS}, "")
        for section, known in _KEYS.items():
            found = self._data.get(section, {})
            if not isinstance(found, dict):
                raise self._error(section, "is not a table", f"Write it as [{section}].")
            self._check(found.keys(), known, f"{section}.")
        for section, key in _REQUIRED:
            if not self._text(section, key).strip():
                hint = "docs/languages.md describes it."
                raise self._error(f"{section}.{key}", "is missing", hint)

    def _check(self, keys: Any, known: Any, prefix: str) -> None:
        for key in keys:
            if key not in known:
                near = get_close_matches(key, sorted(known), n=1)
                hint = f"Did you mean {prefix}{near[0]}?" if near else "Fix or remove the key."
                raise self._error(f"{prefix}{key}", "is not a known key", hint)

    def _name(self) -> str:
        name = self._data.get("name")
        if not isinstance(name, str) or not name.strip():
            raise self._error("name", "is missing", "Give the language's name in English.")
        return name.strip()

    def _text(self, section: str, key: str) -> str:
        value = self._data.get(section, {}).get(key, "")
        if not isinstance(value, str):
            raise self._error(f"{section}.{key}", "is not text", 'Write it in quotes: "…".')
        return value

    def _words(self, section: str, key: str) -> frozenset[str]:
        return frozenset(fold(self._text(section, key)).split())

    def _both(self, section: str, key: str) -> frozenset[str]:
        return self._words(section, key) | frozenset(self._text(section, key).lower().split())

    def _wild(self, section: str, key: str) -> Words:
        words = {_apart(word) for word in self._words(section, key)}
        for word in words:
            if "*" in word[1:-1] or word == "*" or (word[:1] == "*" and word[-1:] == "*"):
                raise self._error(
                    f"{section}.{key}", f"has {word!r}", "A star stands at one end of a word."
                )
        return Words(
            frozenset(word for word in words if "*" not in word),
            tuple(sorted(word[:-1] for word in words if word.endswith("*"))),
            tuple(sorted(word[1:] for word in words if word.startswith("*"))),
        )

    def _phrases(self, section: str, key: str) -> tuple[str, ...]:
        phrases = _COMMAS.split(fold(self._text(section, key)))
        return tuple(" ".join(phrase.split()) for phrase in phrases if phrase.strip())

    def _compared(self, section: str, key: str) -> tuple[str, ...]:
        return tuple(map(_apart, self._phrases(section, key)))

    def _kinds(self, section: str) -> Mapping[str, str]:
        return {word: kind for kind in KINDS for word in sorted(self._words(section, kind))}

    def _patterns(self, section: str, key: str) -> tuple[str, ...]:
        """Return the patterns of a key, one a line, without groups that are numbered."""
        lines = [line.strip() for line in self._text(section, key).splitlines() if line.strip()]
        found = tuple(_folded(line) for line in lines)
        for line, pattern in zip(lines, found, strict=True):
            if self._compiled(f"{section}.{key}", line, pattern).groups:
                hint = "Write (?:…) in place of (…)."
                raise self._error(f"{section}.{key}", f"has a group that captures: {line}", hint)
        return found

    def _compiled(self, key: str, line: str, pattern: str) -> re.Pattern[str]:
        try:
            return re.compile(pattern)
        except re.error as error:
            raise self._error(key, f"is no pattern: {line}: {error}", "Fix the pattern.") from None

    def _date(self, key: str) -> str:
        text = self._text("dates", key)
        known = {"day", "month", "year"} if key != "month" else {"month", "year"}
        for slot in self._slots(f"dates.{key}", text):
            if slot not in known:
                hint = f"It can have {', '.join(sorted(known))}."
                raise self._error(f"dates.{key}", f"has a slot {{{slot}}}", hint)
        return text

    def _asking(self) -> Asking:
        own = self._words("asking", "first_person")
        return Asking(
            quotes=self._pair("quotes"),
            inner_quotes=self._pair("inner_quotes"),
            in_note=self._part("in_note"),
            under=self._part("under"),
            under_in_note=self._part("under_in_note"),
            under_when=self._part("under_when"),
            about_question=self._part("about_question"),
            own_question=self._part("own_question"),
            not_nouns=self._words("asking", "not_nouns"),
            not_first=self._words("asking", "not_first"),
            articles=self._words("asking", "articles"),
            interrogatives=self._words("asking", "interrogatives"),
            asks_by_word=self._data["asking"].get("asks_by_word") is True,
            one_mark=self._data["asking"].get("one_mark") is True,
            first_person=Words(own) if own else self._wild("words", "first_person"),
            pointers=self._words("asking", "pointers"),
            templates=self._questions(),
        )

    def _pair(self, key: str) -> tuple[str, str]:
        value = self._data["asking"].get(key)
        if not isinstance(value, list) or list(map(type, value)) != [str, str]:
            hint = 'Give the opening and the closing mark: ["“", "”"].'
            raise self._error(f"asking.{key}", "is not a pair of quotation marks", hint)
        return value[0], value[1]

    def _part(self, key: str) -> str:
        text = self._text("asking", key)
        self._check_slots(f"asking.{key}", text, PARTS[key])
        return text

    def _questions(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for name, value in self._data.get("questions", {}).items():
            shapes = value.items() if isinstance(value, dict) else [("", value)]
            for shape, templates in shapes:
                full = f"{name}.{shape}" if shape else name
                found[full] = self._templates(full, templates)
        for name in SHAPES:
            if not found.get(name):
                hint = f"Every language has {', '.join(SHAPES)}."
                raise self._error(f"questions.{name}", "is missing", hint)
        return found

    def _templates(self, name: str, templates: Any) -> tuple[str, ...]:
        key = f"questions.{name}"
        self._check([name], SHAPES, "questions.")
        if not isinstance(templates, list) or not all(isinstance(one, str) for one in templates):
            raise self._error(key, "is not a list of texts", 'Write it as ["…", "…"].')
        for template in templates:
            self._check_slots(key, template, frozenset({SHAPES[name]} - {""}))
        return tuple(templates)

    def _check_slots(self, key: str, template: str, wanted: frozenset[str]) -> None:
        slots = self._slots(key, template)
        if missing := wanted - slots:
            fault = f"lacks {{{min(missing)}}}: {template}"
            raise self._error(key, fault, "Put it where it belongs.")
        if unknown := slots - wanted:
            hint = f"It can have {', '.join(sorted(wanted)) or 'no slot'}."
            raise self._error(key, f"has a slot {{{min(unknown)}}}: {template}", hint)

    def _slots(self, key: str, template: str) -> set[str]:
        try:
            return {name for _, name, _, _ in Formatter().parse(template) if name is not None}
        except ValueError as error:
            raise self._error(key, f"is no template: {template}: {error}", "Fix the {…}.") from None


def _apart(phrase: str) -> str:
    """Return a folded phrase with one space between its words, as texts are compared."""
    return " ".join(apart(phrase).split())


def _folded(pattern: str) -> str:
    r"""Return a pattern folded but for its escapes: ``\W`` is not ``\w``."""
    return _PIECE.sub(lambda match: match[0] if match[0][0] == "\\" else fold(match[0]), pattern)
