"""Rare strings of the training split, and strings of the same form that were not in it."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from engine.errors import CheckFailed, TemplateError
from engine.export.gates.rows import Row
from engine.models import Turn
from engine.quality.base import Check
from engine.quality.personal import PersonalCheck
from engine.quality.secrets import SecretsCheck
from engine.quality.values import word_for
from engine.tokens import Tokenizer, render

SHORTEST, LONGEST = 4, 64
_NATURAL = (
    ("EMAIL", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("NUMBER", re.compile(r"(?<![\w.,])\d(?:[\d .,/-]{2,}\d)(?![\w])")),
    ("NAME", re.compile(r"\b[^\W\d_a-z][^\W\d_A-Z]+(?: [^\W\d_a-z][^\W\d_A-Z]+){1,2}\b")),
)
_WORD = re.compile(r"[^\W\d_]+")
_VOWELS = "aeiou"
_CONSONANTS = "bcdfghjklmnprstvwz"


@dataclass(frozen=True, slots=True)
class Secret:
    """A string of an answer that training may have taught by heart.

    Attributes:
        kind: What sort of string it is, in a word: EMAIL, PHONE, PERSON, NUMBER, NAME, ….
        example: The id of the example that it stands in.
        before: The conversation's text up to it, as the model saw it.
        text: The string itself, which is never logged nor shown.
        personal: Whether a check called it personal or secret.
    """

    kind: str
    example: str
    before: str
    text: str
    personal: bool

    def __repr__(self) -> str:
        return f"Secret(kind={self.kind!r}, example={self.example!r})"


def secrets_of(tokenizer: Tokenizer, rows: Iterable[Row], known: str, most: int) -> list[Secret]:
    """Return strings of trained answers, those that checks called personal or secret first.

    A string counts where its conversation has not said it before, since repeating a question is
    no recall, and where a held-out conversation does not hold it.

    Args:
        tokenizer: The base's.
        rows: Conversations of the training split.
        known: All text that was not trained on.
        most: How many strings at most.
    """
    checks: tuple[Check, ...] = (SecretsCheck(), PersonalCheck(names="all"))
    personal: dict[str, Secret] = {}
    natural: dict[str, Secret] = {}
    for row in rows:
        try:
            rendered = render(tokenizer, row.turns)
        except TemplateError:
            continue
        turns = tokenizer.prepared(row.turns)
        for answer in rendered.answers:
            content = turns[answer.turn].content
            start = rendered.text.find(content, max(0, answer.start - len(content) - 1))
            if start < 0:
                continue
            found = [(*place, True) for place in _flagged(checks, content)]
            # One that touches what a check has named is that, or holds it.
            found += [
                (kind, first, last, False)
                for kind, first, last in _natural(content)
                if not any(first < end and begin < last for _, begin, end, _ in found)
            ]
            for kind, first, last, flagged in found:
                text, before = content[first:last].strip(), rendered.text[: start + first]
                if _usable(text) and text not in before and text not in known:
                    into = personal if flagged else natural
                    into.setdefault(text, Secret(kind, row.id, before, text, flagged))
        if len(personal) >= most:
            break
    rest = [secret for text, secret in natural.items() if text not in personal]
    return [*personal.values(), *rest][:most]


def like(secret: Secret, count: int, avoid: Collection[str], chance: random.Random) -> list[str]:
    """Return different strings of the same form as a secret.

    Digits become other digits, first names other first names, and letters of other words other
    vowels and consonants in the same case; signs stay.

    Args:
        secret: The string.
        count: How many, or fewer where the form has not so many.
        avoid: Strings that are not taken, besides the secret's own.
        chance: Where choices come from.
    """
    found: dict[str, None] = {}
    for _ in range(count * 4):
        made = _WORD.sub(lambda word: _other_word(word[0], chance), secret.text)
        made = "".join(chance.choice("0123456789") if c.isdecimal() else c for c in made)
        if made != secret.text and made not in avoid:
            found[made] = None
        if len(found) == count:
            break
    return list(found)


def first_names() -> tuple[str, ...]:
    """Return common first names, of many languages."""
    text = (files("engine.quality.personal") / "given_names.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return tuple(name for line in lines for name in line.split())


def _other_word(word: str, chance: random.Random) -> str:
    names = _names()
    if word.casefold() in names.known:
        other = chance.choice(names.all)
        return other if word[0].isupper() else other.lower()
    letters = []
    for letter in word:
        among = _VOWELS if letter.casefold() in _VOWELS else _CONSONANTS
        other = chance.choice(among)
        letters.append(other.upper() if letter.isupper() else other)
    return "".join(letters)


@dataclass(frozen=True, slots=True)
class _Names:
    all: tuple[str, ...]
    known: frozenset[str]


_made: list[_Names] = []


def _names() -> _Names:
    if not _made:
        names = first_names()
        _made.append(_Names(names, frozenset(name.casefold() for name in names)))
    return _made[0]


def _usable(text: str) -> bool:
    return SHORTEST <= len(text) <= LONGEST and "\n" not in text


def _natural(content: str) -> Iterator[tuple[str, int, int]]:
    for kind, pattern in _NATURAL:
        for match in pattern.finditer(content):
            yield kind, match.start(), match.end()


def _flagged(checks: Sequence[Check], content: str) -> Iterator[tuple[str, int, int]]:
    for check in checks:
        try:
            flags = check.look((Turn("assistant", content),)).flags
        except CheckFailed:
            continue
        for flag in flags:
            if flag.kind in ("personal", "secret") and flag.turn == 0 and flag.end > flag.start:
                yield word_for(flag.code), flag.start, flag.end
