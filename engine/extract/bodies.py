"""What a note gives besides thoughts: questions with their answers, and sections as they are.

A section under its heading is worth less than a thought, since nothing says that it is more
than information; its score stays below that of every thought.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from operator import is_

from engine.extract.examples import Grounds, date_of, heading_of, lines_of, make_example
from engine.extract.headings import is_generic, is_junk
from engine.extract.lexicon import spoken_in
from engine.extract.pairs import CARD, FOLDED, MARKED, Pair, find_pairs, is_deck
from engine.extract.prose import (
    MIN_WORDS,
    measure,
    prose_words,
    see_words,
    split,
    with_quotes,
)
from engine.extract.questions import Subject, asks, in_context, is_question, on_card, wordings
from engine.extract.sections import Section
from engine.extract.signals import has_formulas
from engine.extract.telling import asked_in
from engine.extract.topics import is_date_like
from engine.extract.units import Member, Unit, join
from engine.extract.voices import hear
from engine.models import Document, Example, Turn
from engine.sources.blocks import Block, join_blocks, shown

_HEARD = 600
_LEAST, _MOST = 0.2, 0.45
_LONG = 200
_PERSONAL = 0.06
_ANSWER_WORDS = 8
_SHORT_ANSWER_WORDS = 4
_POINTER_WORDS = 14
_LINKS = re.compile(r"\[(?:\[[^\[\]]*\]\]|[^\[\]]*\]\([^()]*\))")


class Bodies:
    """A note whose units are looked at for answers and sections, one after the other."""

    def __init__(
        self,
        document: Document,
        units: Sequence[Unit],
        take: Collection[str],
        language: Callable[[], str],
    ) -> None:
        """Begin with a note.

        Args:
            document: The note.
            units: What it is made of.
            take: What is wanted: "qa", "sections".
            language: Returns the code of its language; empty where it can't be told.
        """
        self._document = document
        self._units = units
        self._sections = "sections" in take
        self._pairs = "qa" in take
        self._deck = is_deck(document.tags)
        self._asked: set[str] = set()
        self._note_language = language
        self._pairs_of: dict[int, Sequence[Pair]] = {}
        self.unanswered: list[int] = []
        """The indices of the lines of cards whose answers say nothing."""

    def examples(self, unit: Unit) -> list[Example]:
        """Return what a unit gives, in the order of its text."""
        if not self._sections and not any(map(self._may_answer, unit.members)):
            return []
        found = list(self._examples(unit))
        if len(found) > 1:
            found.sort(key=lambda example: example.provenance.start_line)
        return found

    def without_cards(self, unit: Unit) -> Unit:
        """Return a unit without what is marked as a question and its answer or as a card."""
        if not any(member.section.may_ask for member in unit.members):
            return unit
        cards = [self._cards(member) for member in unit.members]
        if not any(cards):
            return unit
        left = [
            rest
            for member, taken in zip(unit.members, cards, strict=True)
            if (rest := _without(member, [_lines(member, pair) for pair in taken])) is not None
        ]
        return join(left or [unit.members[0]._replace(parts=(), words=0)])

    def cards(self, unit: Unit) -> list[Example]:
        """Return what :meth:`without_cards` takes out of a unit, where answers are wanted."""
        if not self._pairs:
            return []
        return [
            self._of_pair(member, pair) for member in unit.members for pair in self._cards(member)
        ]

    def _cards(self, member: Member) -> list[Pair]:
        return [pair for pair in self._found(member) if pair.weight >= CARD]

    def _found(self, member: Member) -> Sequence[Pair]:
        """Return the pairs in a section."""
        section = member.section
        if not section.may_ask:
            return ()
        if id(section) not in self._pairs_of:
            empty: list[int] = []
            deck = self._deck or is_deck(section.tags)
            self._pairs_of[id(section)] = find_pairs(
                section.lines, deck=deck, on_empty=empty.append
            )
            self.unanswered += [section.end - len(section.lines) + line for line in empty]
        return self._pairs_of[id(section)]

    def _of_pair(self, member: Member, pair: Pair) -> Example:
        section, lines = member.section, _lines(member, pair)
        turns = (Turn("user", self._put(pair)), Turn("assistant", pair.answer))
        where = f" under '{section.heading[:60]}'" if section.heading else ""
        grounds = Grounds("qa", pair.weight, f"{pair.form}{where}")
        spread = (lines.start, lines.stop)
        return make_example(self._document, section, section.tags, spread, turns, grounds)

    def _examples(self, unit: Unit) -> Iterator[Example]:
        if self._pairs:
            left: list[Member] = []
            for member in unit.members:
                rest = yield from self._answers(member, is_first=member is unit.members[0])
                if rest is not None:
                    left.append(rest)
            if not left:
                return
            same = len(left) == len(unit.members) and all(map(is_, left, unit.members))
            unit = unit if same else join(left)
        asked = self._pairs and asks(self._heading(unit.section))
        if asked and unit.words >= _ANSWER_WORDS and _is_answer(unit):
            yield from self._whole(unit, self._answer_grounds(unit))
        elif self._sections and not asked and self.is_section(unit):
            yield from self._whole(unit, self._section_grounds(unit))

    def _may_answer(self, member: Member) -> bool:
        """Say, fast, whether anything may be asked in a section or over it."""
        return member.section.may_ask or asks(self._heading(member.section))

    def _heading(self, section: Section) -> str:
        """Return what stands over a section: its heading, or its note's title."""
        return section.heading or ("" if section.level else self._document.title)

    def _answers(
        self, member: Member, *, is_first: bool
    ) -> Generator[Example, None, Member | None]:
        """Yield the pairs in one section; return what is left of it, if anything."""
        section = member.section
        pairs = self._found(member)
        if asks(self._heading(section)) and all(pair.weight < CARD for pair in pairs):
            # The heading's question takes the whole section, lists that ask with it.
            if is_first or member.words < _SHORT_ANSWER_WORDS:
                return member
            alone = join([member])
            if _is_answer(alone):
                yield from self._whole(alone, self._answer_grounds(alone))
            return None
        taken: list[range] = []
        for pair in pairs:
            if pair.weight <= FOLDED and not self._is_question(pair):
                continue
            taken.append(_lines(member, pair))
            yield self._of_pair(member, pair)
        return _without(member, taken)

    def _is_question(self, pair: Pair) -> bool:
        return is_question(pair.question, self._note_language())

    def _put(self, pair: Pair) -> str:
        """Return a pair's question with what it needs to be understood without its note."""
        if pair.attached:
            return f"{pair.question}\n\n{pair.attached}".strip()
        if "\n" in pair.question:
            return pair.question
        language = self._note_language()
        if pair.weight == CARD:
            return on_card(pair.question, pair.answer, language)
        if pair.weight == MARKED:
            # Whoever writes "Q:" has worded what is to be asked.
            return pair.question
        return in_context(pair.question, self._document.title, language, pair.answer)

    def _answer_grounds(self, unit: Unit) -> Grounds:
        words = unit.words
        score = 0.55 + 0.15 * min(words / _LONG, 1.0) + 0.1 * self._personal(unit)
        heading = self._heading(unit.section)[:60]
        reason = f"a heading that asks: '{heading}'; {words} words of running text"
        return Grounds("qa", round(score, 2), reason)

    def is_section(self, unit: Unit) -> bool:
        """Say whether a unit is prose of the author's own under a heading that means something."""
        if unit.words < MIN_WORDS or not unit.is_own or unit.is_bare_list:
            return False
        return not is_junk(unit.section.heading) and not is_mostly_links(unit)

    def _section_grounds(self, unit: Unit) -> Grounds:
        running = unit.paragraphs / max(unit.words, 1)
        personal = self._personal(unit)
        score = _LEAST + 0.1 * min(unit.words / _LONG, 1.0) + 0.1 * personal + 0.05 * running
        heading = self._heading(unit.section)[:60]
        reasons = [f"section '{heading}'" if heading else "a note without headings"]
        reasons.append(f"{unit.words} words of running text")
        if personal >= 0.2:
            reasons.append(f"first person {personal * _PERSONAL:.2f}")
        if running < 0.5:
            reasons.append("mostly a list")
        return Grounds("section", round(min(score, _MOST), 2), "; ".join(reasons))

    def _personal(self, unit: Unit) -> float:
        """Return how much the author speaks of themselves, from 0 to 1."""
        if not unit.persons:
            return 0.0
        spoken = spoken_in(unit.persons)[unit.language(self._note_language)]
        if spoken and has_formulas(unit.parts):
            # The index of a formula is no person.
            return 0.0
        return min(spoken / unit.total / _PERSONAL, 1.0)

    def _whole(self, unit: Unit, grounds: Grounds) -> Iterator[Example]:
        """Yield a unit as examples, one for each part of a long one."""
        document, section = self._document, unit.section
        said = join_blocks(unit.parts)
        for number, part in enumerate(split(unit.parts)):
            asked = self._question(unit, said[:_HEARD], number)
            if not asked:
                return
            quoted = any(block.kind == "quote" for block in part)
            answer = shown(with_quotes(part) if quoted else part)
            turns = (Turn("user", asked), Turn("assistant", answer))
            lines = lines_of(unit, part)
            yield make_example(document, section, unit.tags, lines, turns, grounds)

    def _question(self, unit: Unit, said: str, number: int) -> str:
        """Return the question of a unit's part, another one than the note's others have."""
        document, section = self._document, unit.section
        heading = heading_of(document, section)
        if is_generic(heading):
            heading = _nearest(section.parents, document.title) or heading
        subject = Subject(
            kind="section",
            heading=heading,
            title=document.title,
            date=date_of(document, section),
            language=asked_in(
                unit.language(self._note_language),
                self._note_language(),
                heading or document.title,
            ),
        )
        first = ""
        for asked in wordings(subject, said, part=number):
            first = first or asked
            if asked not in self._asked:
                break
        else:
            asked = first
        self._asked.add(asked)
        return asked


def _is_answer(unit: Unit) -> bool:
    """Say whether a unit answers anything; links to where the answer stands do not."""
    if not unit.is_own or is_mostly_links(unit):
        return False
    return any(
        block.words > _POINTER_WORDS or block.letters.split(None, 1)[0] not in see_words()
        for block in unit.parts
        if block.spoken
    )


def _lines(member: Member, pair: Pair) -> range:
    """Return the indices of a pair's lines in its note."""
    offset = member.section.end - len(member.section.lines)
    return range(pair.start + offset, pair.end + offset)


def _left_of(block: Block, lines: Collection[int], member: Member) -> Block | None:
    """Return a block without some of its note's lines; None where none of its own is left."""
    if block.kind != "prose" or len(block.lines) == 1:
        return None if block.line in lines else block
    left = [at for at in range(block.line, block.line + len(block.lines)) if at not in lines]
    if len(left) == len(block.lines):
        return block
    if not left:
        return None
    rest = Block(block.kind, left[0], [block.lines[at - block.line] for at in left])
    measure([rest])
    hear([member.section._replace(blocks=[rest])])
    return rest


def _without(member: Member, taken: Sequence[range]) -> Member | None:
    """Return a section without the blocks that stand in some lines; None where none is left."""
    if not taken:
        return member
    lines = {line for spread in taken for line in spread}
    parts = tuple(
        rest for block in member.parts if (rest := _left_of(block, lines, member)) is not None
    )
    kept = [block for block in parts if block.kept]
    return Member(member.section, parts, prose_words(kept)) if kept else None


def is_mostly_links(unit: Unit) -> bool:
    """Say whether the larger part of a unit is the names of other notes and pages."""
    if unit.paragraphs * 2 >= unit.words:
        return False
    text = "\n".join([line for member in unit.members for line in member.section.lines])
    return "[" in text and len(_LINKS.sub("", text)) * 2 < len(text)


def _nearest(parents: Sequence[str], title: str) -> str:
    """Return the innermost heading above that says what a section is about."""
    for parent in reversed(parents):
        if parent != title and not is_generic(parent) and not is_date_like(parent):
            return parent
    return ""
