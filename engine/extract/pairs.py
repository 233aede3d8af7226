"""Questions and their answers as notes hold them: marked with Q and A, as flashcards, as lists.

Each pair keeps the numbers of its lines, so that what is left of a section can be told from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.extract.letters import length
from engine.invisible import is_blank
from engine.models import FLASHCARD
from engine.sources.blocks import (
    SECTION_BREAK,
    SEPARATOR,
    blocks,
    join_blocks,
    plain_alone,
)
from engine.sources.inline import inline_plain
from engine.sources.markdown import code_lines, fenced, without_code

MARKED, CARD, FOLDED, BOLD, LISTED = 0.85, 0.8, 0.75, 0.65, 0.6
"""How surely each form of a pair is one."""

_LEAD = r"^\s*(?:[-*+]\s+|\d{1,3}[.)]\s+)?(?:\*\*|__|==)?"
_NUMBER = r"\s{0,2}\d{0,3}\s{0,2}(?:\*\*|__|==)?\s{0,2}"
_REST = r"(?:\*\*|__|==)?(?:\s+(.*))?$"
_ASKS = re.compile(
    rf"{_LEAD}(?:(Q){_NUMBER}[:.)]|(F|Î|(?i:question|frage|[îi]ntrebare|front)){_NUMBER}:){_REST}"
)
_ANSWERS = re.compile(
    rf"{_LEAD}(?:(A){_NUMBER}[:.)]|(R|(?i:answer|antwort|r[ăa]spuns|back)){_NUMBER}:){_REST}"
)
_PARTNERS = {"q": "ar", "f": "ab", "î": "r", "i": "r"}
"""The first letters of what may answer a label that begins with a letter."""
_LABEL_LETTERS = frozenset("QqFfÎîIi")
_LABEL_WITHIN = 22
_ONE_LINE = re.compile(r"^\s*(?:[-*+]\s+|\d{1,3}[.)]\s+)?(.*?[^\s:])\s*:::?(?!:)\s*(\S.*|)$")
_CARD_TAG = re.compile(r"\s#(?:card|flashcard|flashcards|anki)(?:[/-][^\s#]*)?\s*$", re.IGNORECASE)
_BOLD = re.compile(
    r"^\s*(?:[-*+]\s+|\d{1,3}[.)]\s+)?(?:\*\*|__)([^*_\n]{4,300}\?)\s*(?:\*\*|__)\s*:?\s*(.*)$"
)
_LIST_QUESTION = re.compile(r"^(\s*)(?:[-*+]|\d{1,3}[.)])\s+(?!\[[^\]]\]\s)(\S.{2,300}\?)\s*$")
_SUMMARY = re.compile(r"<summary[^<>]*>(.*?)</summary>", re.IGNORECASE)
_LINKS = re.compile(r"!?\[\[[^\[\]]*\]\]|!?\[[^\[\]]*\]\([^()]*\)|https?://\S+")
_ITEM_LINE = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])(?:\s|$)")
_BREAKS = SEPARATOR + SECTION_BREAK
_ITEM_MARK = re.compile(r"^\s*(?:[-*+]\s+|\d{1,3}[.)]\s+|#{1,6}\s+)?")
_QUOTED = re.compile(r"^ {0,3}>")
_QUOTE_MARKS = re.compile(r"^(?: {0,3}> ?)+")
_CALLOUT = re.compile(r"^\[!([\w -]{1,40})(?:\|[^\]\n]*)?\][+-]?\s*(.*)$")
_CITING = frozenset({"quote", "cite", "zitat", "citat"})
_GOES_ON = re.compile(r"^(?:[ \t]+\S|\s*[-*+]\s|\s*\d{1,3}[.)]\s)")
_RULE = re.compile(r"^\s{0,3}(?:[-*_][ \t]*){3,}$")
_MIN_QUESTION, _MAX_QUESTION = 2, 60
_MIN_ANSWER, _MAX_ANSWER = 4, 800
_MAX_LINES = 150
_QUESTION_LINES = 8
_DECKS = frozenset({"flashcards", "flashcard", "card", "cards", "anki", "srs", "deck"})


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and its answer, as plain text.

    ``attached`` is what belongs to the question and is no sentence, such as code, in its lines.
    ``start`` and ``end`` are the indices of its first line and behind its last; ``form`` says
    how it is marked, and ``weight`` how surely it is a pair.
    """

    question: str
    answer: str
    start: int
    end: int
    form: str
    weight: float
    attached: str = ""


def is_deck(tags: Sequence[str]) -> bool:
    """Say whether tags mean that a note is made of flashcards."""
    return any(tag.lower().split("/")[0] in _DECKS for tag in tags)


def _size(text: str) -> int:
    """Return how many words a text has; numbers are words here, and may answer a question."""
    return max(len(text.split()), length(text))


def is_label(line: str) -> bool:
    """Say whether a line begins with the label of a question, such as ``Q:``."""
    return _ASKS.match(line) is not None


def find_pairs(
    lines: Sequence[str], *, deck: bool = False, on_empty: Callable[[int], None] | None = None
) -> list[Pair]:
    """Return the pairs in a section's lines, in order; none lies inside of another.

    Args:
        lines: The lines below the heading, without comments.
        deck: Whether the note is made of flashcards, so that ``word::meaning`` is one.
        on_empty: Told the index of each question whose answer says nothing.
    """
    return _Finder(*_unquoted(lines, code_lines(lines)), deck=deck, on_empty=on_empty).run()


def _ignore(_: int) -> None:
    """Let a question without an answer go by."""


def _unquoted(
    lines: Sequence[str], code: Sequence[bool]
) -> tuple[list[str], Sequence[bool], dict[int, int]]:
    """Return the lines with callouts taken out of their marks, and quotations emptied.

    The third is where each callout ends, by the number of its first line.
    """
    bare: list[str] = []
    ends: dict[int, int] = {}
    start = -1
    for number, line in enumerate(lines):
        if not _QUOTED.match(line):
            start = -1
            bare.append(line)
            continue
        inner = _QUOTE_MARKS.sub("", line)
        callout = _CALLOUT.match(inner)
        if callout:
            start = number if callout[1].strip().lower() not in _CITING else -1
            inner = callout[2]
        if start >= 0:
            ends[start] = number + 1
        bare.append(inner if start >= 0 else "")
    return bare, code, ends


class _Finder:
    """The state of :func:`find_pairs` as it goes down the lines."""

    def __init__(
        self,
        lines: Sequence[str],
        code: Sequence[bool],
        ends: Mapping[int, int],
        *,
        deck: bool,
        on_empty: Callable[[int], None] | None,
    ) -> None:
        self._on_empty = on_empty or _ignore
        self._lines = lines
        self._code = code
        in_fence = fenced(lines) if any(code) else code
        self._indented = [
            is_code and not fence for is_code, fence in zip(code, in_fence, strict=True)
        ]
        self._ends = ends
        self._deck = deck
        self._found: list[Pair] = []
        self._divided = any(line.strip() in ("?", "??") for line in lines)
        self._forms: tuple[Callable[[int, str], int], ...] = (
            self._called_out,
            self._marked,
            self._card,
            self._folded,
            self._bold,
            self._listed,
        )

    def run(self) -> list[Pair]:
        number = 0
        while number < len(self._lines):
            line = self._lines[number]
            after = 0
            if not line.strip():
                pass
            elif self._code[number]:
                # Code may stand above the question that is asked of it.
                if self._divided and (number == 0 or not self._lines[number - 1].strip()):
                    after = self._card(number, "")
            elif self._divided or _may_begin(line):
                after = next(filter(None, (form(number, line) for form in self._forms)), 0)
            number = max(after, number + 1)
        return self._found

    def _take(self, pair: Pair, raw: Sequence[str]) -> int:
        """Keep a pair, if it is one; return the index behind it, or 0."""
        asked, attached = _asked(pair.question)
        size = _size(asked or attached)
        if not (1 if pair.weight == CARD else _MIN_QUESTION) <= size <= _MAX_QUESTION:
            return 0
        # An answer that only leads elsewhere is none, and a question has words.
        if not any(map(str.isalpha, asked or attached)):
            return 0
        told = plain_alone(pair.answer)
        if is_blank(told):
            if pair.weight >= CARD:
                self._on_empty(pair.start)
            return 0
        if not any(map(str.isalnum, _LINKS.sub("", "\n".join(raw)))):
            return 0
        if told.startswith("- ") and "\n" not in told:
            told = told[2:]
        if not (1 if pair.weight >= CARD else _MIN_ANSWER) <= _size(told) <= _MAX_ANSWER:
            return 0
        self._found.append(replace(pair, question=asked, answer=told, attached=attached))
        return pair.end

    def _called_out(self, number: int, line: str) -> int:
        """Take a callout whose title asks."""
        end = self._ends.get(number, 0)
        if not end or not line.rstrip(" *_").endswith("?"):
            return 0
        raw = self._lines[number + 1 : end]
        pair = Pair(line, "\n".join(raw), number, end, "a callout that asks", FOLDED)
        return self._take(pair, raw)

    def _marked(self, number: int, line: str) -> int:
        """Take ``Q: …`` with the ``A: …`` below it."""
        head = line[:_LABEL_WITHIN]
        asks = _ASKS.match(line) if ":" in head or "." in head or ")" in head else None
        if asks is None:
            return 0
        partners = _PARTNERS[(asks[1] or asks[2]).lower()[0]]
        at = number + 1
        said = 1
        while at < min(len(self._lines), number + _MAX_LINES) and said <= _QUESTION_LINES:
            if not self._code[at]:
                answers = _ANSWERS.match(self._lines[at])
                if answers and (answers[1] or answers[2]).lower()[0] in partners:
                    break
                if _ASKS.match(self._lines[at]):
                    return 0
                said += 1
            at += 1
        else:
            return 0
        end = self._end_of_answer(at + 1)
        raw = [answers[3] or "", *self._lines[at + 1 : end]]
        text = "\n".join([raw[0], self._dedented(at + 1, end)])
        asked = "\n".join([asks[3] or "", self._dedented(number + 1, at)])
        form = "marked as question and answer"
        return self._take(Pair(asked, text, number, end, form, MARKED), raw)

    def _end_of_answer(self, start: int) -> int:
        """Return where a marked answer ends: at the next question, or else with its paragraph."""
        last = min(len(self._lines), start + _MAX_LINES)
        for at in range(start, last):
            line = self._lines[at]
            if not self._code[at] and (_ASKS.match(line) or _RULE.match(line)):
                return self._without_blank(start, at)
            if at in self._ends:
                last = at
                break
        for at in range(start, last - 1):
            blank = not self._lines[at].strip() and not self._code[at]
            if blank and not _GOES_ON.match(self._lines[at + 1]):
                return self._without_blank(start, at)
        return self._without_blank(start, last)

    def _without_blank(self, start: int, end: int) -> int:
        while end > start and not self._lines[end - 1].strip():
            end -= 1
        return end

    def _end_of_card(self, number: int) -> int:
        """Return where the answer of a tagged card ends; what stands beside an item is none."""
        if _ITEM_LINE.match(self._lines[number]) is None:
            return self._paragraph_end(number + 1)
        depth = _indent(self._lines[number])
        end = number + 1
        for at in range(number + 1, min(len(self._lines), number + _MAX_LINES)):
            line = self._lines[at]
            if not line.strip():
                continue
            if _indent(line) <= depth and not (self._code[at] and self._code[at - 1]):
                goes_on = at == end and _ITEM_LINE.match(line) is None
                if not goes_on or line[0] in _BREAKS:
                    break
            end = at + 1
        return end

    def _dedented(self, start: int, end: int) -> str:
        """Join lines without the indent that they have in common; indented code stays some."""
        spaced = [line.expandtabs(4) for line in self._lines[start:end]]
        indents = [
            len(line) - len(line.lstrip()) - 4 * self._indented[at]
            for at, line in enumerate(spaced, start)
            if line.strip()
        ]
        depth = max(min(indents, default=0), 0)
        return "\n".join(line[depth:] for line in spaced)

    def _paragraph_end(self, start: int) -> int:
        end = start
        last = min(len(self._lines), start + _MAX_LINES)
        while end < last and (self._code[end] or self._lines[end].strip()):
            end += 1
        return end

    def _card(self, number: int, line: str) -> int:
        """Take a flashcard: ``question::answer``, one tagged so, or one divided by ``?``."""
        if "::" in line and "::" in without_code(line):
            match = _ONE_LINE.match(line)
            if match and (self._deck or match[1].rstrip(" *_").endswith("?")):
                pair = Pair(match[1], match[2], number, number + 1, FLASHCARD, CARD)
                return self._take(pair, [match[2]])
        if "#" in line and (tag := _CARD_TAG.search(line)):
            end = self._end_of_card(number)
            raw = self._lines[number + 1 : end]
            asked = _ITEM_MARK.sub("", line[: tag.start()], count=1)
            text = self._dedented(number + 1, end)
            return self._take(Pair(asked, text, number, end, FLASHCARD, CARD), raw)
        if not self._divided:
            return 0
        end = self._paragraph_end(number)
        for at in range(number + 1, end):
            if self._lines[at].strip() in ("?", "??") and not self._code[at]:
                asked = "\n".join(self._lines[number:at])
                raw = self._lines[at + 1 : end]
                text = self._dedented(at + 1, end)
                pair = Pair(asked, text, number, end, FLASHCARD, CARD)
                return self._take(pair, raw)
        return 0

    def _folded(self, number: int, line: str) -> int:
        """Take ``<details>`` whose summary asks."""
        summary = _SUMMARY.search(line) if "<" in line else None
        if summary is None or not inline_plain(summary[1]).rstrip().endswith("?"):
            return 0
        raw = [line[summary.end() :]]
        for end in range(number, min(len(self._lines), number + _MAX_LINES)):
            if end > number:
                raw.append(self._lines[end])
            before, closed, _ = raw[-1].partition("</details>")
            if closed:
                raw[-1] = before
                text = before
                if end > number:
                    text = "\n".join([raw[0], self._dedented(number + 1, end), before])
                pair = Pair(summary[1], text, number, end + 1, "a folded answer", FOLDED)
                return self._take(pair, raw)
        return 0

    def _bold(self, number: int, line: str) -> int:
        """Take a line in bold that asks, with what stands below it up to the next."""
        match = _BOLD.match(line) if "?*" in line or "?_" in line or "? *" in line else None
        if match is None:
            return 0
        if match[2]:
            end = self._paragraph_end(number + 1)
            text = "\n".join([match[2], *self._lines[number + 1 : end]])
            pair = Pair(match[1], text, number, end, "a question in bold", BOLD)
            return self._take(pair, [text])
        end = number + 1
        while end < min(len(self._lines), number + _MAX_LINES):
            below = self._lines[end]
            begins = _ITEM_MARK.sub("", below, count=1)[:2] in ("**", "__")
            if not self._code[end] and (begins or end in self._ends or _RULE.match(below)):
                break
            end += 1
        end = self._without_blank(number + 1, end)
        raw = self._lines[number + 1 : end]
        pair = Pair(
            match[1], self._dedented(number + 1, end), number, end, "a question in bold", BOLD
        )
        return self._take(pair, raw)

    def _listed(self, number: int, line: str) -> int:
        """Take a list item that asks, with the items below it."""
        match = _LIST_QUESTION.match(line) if line.rstrip()[-1:] == "?" else None
        if match is None:
            return 0
        depth = len(match[1].expandtabs(4))
        end = number + 1
        while end < min(len(self._lines), number + _MAX_LINES):
            below = self._lines[end].expandtabs(4)
            if not below.strip() or len(below) - len(below.lstrip()) <= depth:
                break
            end += 1
        raw = self._lines[number + 1 : end]
        if not raw or all(part.rstrip()[-1:] == "?" for part in raw):
            return 0
        pair = Pair(
            match[2], self._dedented(number + 1, end), number, end, "a question in a list", LISTED
        )
        return self._take(pair, raw)


def _may_begin(line: str) -> bool:
    """Say, fast, whether a pair may begin with a line."""
    if "?" in line or "#" in line or "::" in line:
        return True
    return line.lstrip(" \t>*_=-+0123456789.)")[:1] in _LABEL_LETTERS


def _asked(text: str) -> tuple[str, str]:
    """Return a question's sentences in one line, and what stands below them in its lines."""
    if "\n" not in text.strip():
        return " ".join(inline_plain(text.strip()).strip(" *_:=").split()), ""
    found = blocks(text.split("\n"))
    number = next((at for at, block in enumerate(found) if block.kind != "prose"), len(found))
    lead = " ".join([block.text for block in found[:number]])
    lead = lead.strip(" *_=") if number < len(found) else lead.strip(" *_:=")
    if not lead:
        # What is shown first is asked about below.
        return join_blocks(found), ""
    return " ".join(lead.split()), join_blocks(found[number:])


def _indent(line: str) -> int:
    spaced = line.expandtabs(4)
    return len(spaced) - len(spaced.lstrip(" "))
