r"""The small language of templates: ``{slot}`` and nested ``[choice|choice]``.

``[Please tell|Tell] me who {name} is[ today|]`` has four wordings. An option that is
empty at the end or the beginning of a choice means "or nothing". A backslash takes a
sign's meaning away: ``\[``, ``\]``, ``\|`` (only inside a choice), ``\{``, ``\}``,
``\\``. A slot's name is looked up in the file's own table and nowhere else: no attribute,
index or call of anything can be written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_DEPTH = 8
"""How deep choices can be nested."""

MAX_LENGTH = 20_000
"""The longest template, in characters."""

_SLOT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?")
_ESCAPABLE = "\\[]{}|"


class GrammarError(Exception):
    """A template that can't be understood.

    Attributes:
        code: The stable code.
        reason: What is wrong, for a person.
        hint: What to do.
        offset: Where, in characters from the beginning.
    """

    def __init__(self, code: str, reason: str, hint: str, offset: int) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.hint = hint
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that stands as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a value: its name, and the field where the value is a table."""

    name: str
    field: str
    offset: int

    @property
    def written(self) -> str:
        """The slot as a template writes it, without braces."""
        return f"{self.name}.{self.field}" if self.field else self.name


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several texts."""

    options: tuple[Text, ...]
    combinations: int


@dataclass(frozen=True, slots=True)
class Text:
    """A template as it was understood; ``combinations`` counts the ways through its choices."""

    parts: tuple[Literal | Slot | Choice, ...]
    combinations: int

    def slots(self) -> Iterator[Slot]:
        """Yield every slot, in every option."""
        for part in self.parts:
            if isinstance(part, Slot):
                yield part
            elif isinstance(part, Choice):
                for option in part.options:
                    yield from option.slots()

    def way(self, number: int) -> Iterator[Literal | Slot]:
        """Yield the pieces of one way through the choices.

        Args:
            number: Which, from 0 up to, not including, ``combinations``.
        """
        for part in self.parts:
            if not isinstance(part, Choice):
                yield part
                continue
            number, rest = divmod(number, part.combinations)
            for option in part.options:
                if rest < option.combinations:
                    yield from option.way(rest)
                    break
                rest -= option.combinations

    def can_be_blank(self) -> bool:
        """Say whether some way through the choices leaves nothing but white space."""
        for part in self.parts:
            if isinstance(part, Slot) or (isinstance(part, Literal) and part.text.strip()):
                return False
            if isinstance(part, Choice) and not any(o.can_be_blank() for o in part.options):
                return False
        return True


def parse(source: str) -> Text:
    """Read a template.

    Raises:
        GrammarError: It can't be understood; the error says where and why.
    """
    if len(source) > MAX_LENGTH:
        raise GrammarError(
            "too-long",
            f"the text has {len(source):,} characters",
            f"at most {MAX_LENGTH:,} are taken",
            MAX_LENGTH,
        )
    return _Parser(source).whole()


class _Parser:
    """Reads one template from left to right."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0

    def whole(self) -> Text:
        text = self._text(depth=0)
        if self._at < len(self._source):
            raise self._error(
                "open-choice", "a ] closes nothing", r"open it with [, or write \] for the sign"
            )
        return text

    def _error(self, code: str, reason: str, hint: str, at: int | None = None) -> GrammarError:
        return GrammarError(code, reason, hint, self._at if at is None else at)

    def _text(self, depth: int) -> Text:
        """Read up to the end, or inside a choice up to the next bar or bracket."""
        parts: list[Literal | Slot | Choice] = []
        held: list[str] = []

        def flush() -> None:
            if held:
                parts.append(Literal("".join(held)))
                held.clear()

        combinations = 1
        while self._at < len(self._source):
            sign = self._source[self._at]
            if sign == "]" or (sign == "|" and depth):
                break
            if sign == "[":
                flush()
                choice = self._choice(depth + 1)
                combinations *= choice.combinations
                parts.append(choice)
            elif sign == "{":
                flush()
                parts.append(self._slot())
            elif sign == "}":
                raise self._error(
                    "open-slot", "a } closes nothing", r"open it with {, or write \} for the sign"
                )
            else:
                held.append(self._character())
        flush()
        return Text(tuple(parts), combinations)

    def _character(self) -> str:
        sign = self._source[self._at]
        following = self._source[self._at + 1 : self._at + 2]
        if sign == "\\" and following and following in _ESCAPABLE:
            self._at += 2
            return following
        self._at += 1
        return sign

    def _slot(self) -> Slot:
        start = self._at
        found = _SLOT.match(self._source, start + 1)
        if found is None or self._source[found.end() : found.end() + 1] != "}":
            end = self._source.find("}", start)
            inside = self._source[start : end + 1 if end >= 0 else start + 20]
            raise self._error(
                "open-slot",
                f"{' '.join(inside.split())[:40]} is not the name of a slot",
                r"write {name}, or \{ for the sign; a name has letters, digits and _",
            )
        name, _, field = found[0].partition(".")
        self._at = found.end() + 1
        return Slot(name, field, start)

    def _choice(self, depth: int) -> Choice:
        start = self._at
        if depth > MAX_DEPTH:
            raise self._error(
                "too-deep",
                f"choices are nested more than {MAX_DEPTH} deep",
                "write some of the wordings out",
            )
        options: list[Text] = []
        while True:
            self._at += 1
            options.append(self._text(depth))
            if self._at >= len(self._source):
                raise self._error(
                    "open-choice",
                    "a [ is never closed",
                    r"close it with ], or write \[ for the sign",
                    start,
                )
            if self._source[self._at] == "]":
                break
        self._at += 1
        self._check_options(options, start)
        return Choice(tuple(options), sum(option.combinations for option in options))

    def _check_options(self, options: list[Text], start: int) -> None:
        written = self._source[start : self._at]
        shown = written if len(written) <= 40 else written[:39] + "…"
        if not any(option.parts for option in options):
            raise self._error(
                "empty-choice",
                f"{shown} has nothing to choose from",
                "fill it, or take it out",
                start,
            )
        if any(not option.parts for option in options[1:-1]):
            raise self._error(
                "empty-choice",
                f"{shown} has an empty option in its middle",
                "take one | out; an empty option at the end means: or nothing",
                start,
            )
        if len(options) == 1:
            raise self._error(
                "empty-choice",
                f"{shown} has one option only",
                r"add another behind a |, or write \[ and \] for the signs",
                start,
            )
        seen: set[tuple[object, ...]] = set()
        for option in options:
            key = tuple(_shape(option))
            if key in seen:
                raise self._error(
                    "same-option", f"{shown} has the same option twice", "take one out", start
                )
            seen.add(key)


def _shape(text: Text) -> Iterator[object]:
    """Yield what makes two options the same, wherever they stand."""
    for part in text.parts:
        if isinstance(part, Literal):
            yield part.text
        elif isinstance(part, Slot):
            yield ("slot", part.written)
        else:
            yield ("choice", *(tuple(_shape(option)) for option in part.options))
