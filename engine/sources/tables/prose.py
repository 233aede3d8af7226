"""Conversations with markers that stand in a text file, one behind the other."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator

from engine.sources.files import Item, Refused, refusal
from engine.sources.marked import Style, role_of, style_of
from engine.sources.records import OnProblem, Record
from engine.sources.tables.formats import encoding_of

MAX_TALK = 10_000_000
"""The most characters of a conversation."""

_RULE = re.compile(r"^\s*(?:-{3,}|={3,}|\*{3,})\s*$")
_CLOSED = ("<|endoftext|>", "<|end_of_text|>")


def marked_text(
    item: Item, on_problem: OnProblem, on_bytes: Callable[[int], None]
) -> Iterator[Record]:
    """Yield each conversation of a text as the field ``text``.

    A conversation ends at the end-of-text token, where a system turn follows an answer,
    at a rule before the next question, and in texts with ``### Instruction`` headings
    at each instruction.

    Args:
        item: The file.
        on_problem: Called with line, code and reason of what can't be read.
        on_bytes: Called with the number of bytes read so far.

    Raises:
        Refused: It can't be opened, or has no markers.
    """
    head = item.head()
    encoding = encoding_of(head)
    style = style_of(head.decode(encoding, "replace"))
    if style is None:
        raise Refused("no-turns", "a text without markers between its turns, such as <|user|>")
    errors = "surrogateescape" if encoding == "utf-8-sig" else "strict"
    try:
        with item.open() as raw:
            text = io.TextIOWrapper(raw, encoding, errors, newline=None)
            for number, (line, talk) in enumerate(_Talks(text, style, on_problem), 1):
                on_bytes(raw.tell())
                if _is_text(talk, line, on_problem):
                    yield Record({"text": talk}, line, number)
    except UnicodeError as error:
        raise Refused("not-utf8", f"its mark says {encoding.upper()}, but it is not") from error
    except OSError as error:
        raise refusal(error) from error


def _is_text(talk: str, line: int, on_problem: OnProblem) -> bool:
    if "\x00" in talk:
        on_problem(line, "binary", "it holds NUL bytes")
        return False
    if not talk.isascii() and any("\udc80" <= sign <= "\udcff" for sign in talk):
        on_problem(line, "not-utf8", "it is not UTF-8")
        return False
    return True


class _Talks:
    """The conversations of a text, each with the line it begins on."""

    def __init__(self, lines: io.TextIOWrapper, style: Style, on_problem: OnProblem) -> None:
        self._lines = lines
        self._style = style
        self._on_problem = on_problem
        # A heading of an instruction begins a conversation; a question goes on with it.
        self._begins = ("system", "user") if style.template is not None else ("system",)
        self._talk: list[str] = []
        self._began = 1
        self._size = 0
        self._answered = False
        self._rule_at = -1

    def __iter__(self) -> Iterator[tuple[int, str]]:
        number = 0
        while line := self._lines.readline(MAX_TALK):
            number += 1
            roles = self._roles(line)
            if self._answered and roles and (roles[0] in self._begins or self._rule_at >= 0):
                yield from self._done(number, self._rule_at)
            if line.strip():
                self._rule_at = -1
            if _RULE.match(line) and self._answered:
                self._rule_at = len(self._talk)
            self._size += len(line)
            if self._size > MAX_TALK:
                limit = MAX_TALK // 1_000_000
                self._on_problem(self._began, "too-long", f"it is longer than {limit} MB")
                self._forget(number + 1)
                continue
            self._talk.append(line)
            self._answered = self._answered or "assistant" in roles
            if self._answered and line.rstrip().endswith(_CLOSED):
                yield from self._done(number + 1)
        yield from self._done(number + 1)

    def _done(self, following: int, end: int = -1) -> Iterator[tuple[int, str]]:
        talk = "".join(self._talk if end < 0 else self._talk[:end])
        if talk.strip():
            yield self._began, talk
        self._forget(following)

    def _forget(self, following: int) -> None:
        self._talk = []
        self._began = following
        self._size = 0
        self._answered = False
        self._rule_at = -1

    def _roles(self, line: str) -> list[str]:
        return [role_of(self._style, mark) for mark in self._style.mark.finditer(line)]
