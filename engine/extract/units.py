"""The units that are judged: a section of a note, or several that belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from engine.extract.borrowed import is_borrowed, is_labelled
from engine.extract.headings import is_junk, match_heading
from engine.extract.lexicon import first_person
from engine.extract.prose import MIN_WORDS, measure, prose_words
from engine.extract.sections import Section, split_sections
from engine.extract.settle import settle
from engine.extract.signals import tag_signs
from engine.extract.telling import tell
from engine.extract.voices import hear, is_cited
from engine.sources.blocks import ASIDE, Block

_LIST_WORDS = 60
_PARAGRAPH_WORDS = 20


class Member(NamedTuple):
    """A section of a unit, with its measured blocks, and how many words are running text."""

    section: Section
    parts: tuple[Block, ...]
    words: int


class Unit:
    """A section, or several that belong together.

    Attributes:
        section: The section, the first where there are several.
        members: The sections.
        parts: The blocks that an answer is made of, measured.
        told: Those of them that are no tables and tasks, by which the unit is judged.
        end: The index behind the last line.
        total: How many words there are.
        words: How many of them are running text of the author's own.
        paragraphs: How many of those stand in no list.
        is_own: Whether running text is the larger part.
    """

    __slots__ = (
        "_language", "_persons", "end", "is_own", "members", "paragraphs", "parts", "section",
        "told", "total", "words",
    )  # fmt: skip

    def __init__(self, members: tuple[Member, ...], parts: Sequence[Block], end: int) -> None:
        self.section = members[0].section
        self.members = members
        self.parts = tuple(settle(parts))
        self.told = tuple([block for block in self.parts if block.kind not in ASIDE])
        self.end = end
        total = words = listed = logged = 0
        for block in self.told:
            total += block.words
            words += block.spoken
            if block.kind == "item":
                listed += block.spoken
                logged += block.logged
        self.total = total
        self.words = words
        self.paragraphs = words - listed
        self.is_own = words * 2 >= total and logged * 2 <= max(len(self.told), 1)
        self._persons: list[str] | None = None
        self._language: str | None = None

    @property
    def persons(self) -> Sequence[str]:
        """The words with which people speak of themselves, in any language."""
        if self._persons is None:
            said = [block.letters for block in self.told if block.kind != "code"]
            self._persons = first_person("".join(said))
        return self._persons

    def language(self, prior: Callable[[], str]) -> str:
        """Return the code of its language; ``prior`` returns its note's."""
        if self._language is None:
            said = [block for block in self.parts if block.kind != "code"]
            lettered = "".join([block.letters for block in said])
            self._language = tell(lettered, lambda: "\n".join([b.text for b in said]), prior)
        return self._language

    @property
    def is_bare_list(self) -> bool:
        """Whether it is a short list, which needs more than its wording to be a thought."""
        return self.words < _LIST_WORDS and self.paragraphs < _PARAGRAPH_WORDS

    @property
    def is_cited(self) -> bool:
        """Whether it shows that its words are somebody else's, or made up."""
        return any(
            is_cited(section.blocks, section.lines, section.end - len(section.lines))
            or is_borrowed(section.blocks, section.lines, section.end - len(section.lines))
            or is_labelled((section.heading, *section.parents))
            for section in {id(member): member.section for member in self.members}.values()
        )

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags in the sections."""
        if len(self.members) == 1:
            return self.section.tags
        found = [tag for member in self.members for tag in member.section.tags]
        return tuple(dict.fromkeys(found))


_last: list[tuple[str, tuple[Unit, ...]]] = []


def find_units(text: str) -> tuple[Unit, ...]:
    """Return a note's sections; short pieces of a section stand together with it."""
    sections = split_sections(text)
    measure([block for section in sections for block in section.blocks])
    hear(sections)
    groups: list[list[Member]] = []
    for section in sections:
        parts = tuple(section.blocks)
        kept = [block for block in parts if block.kept]
        words = prose_words(kept)
        says = not all(block.kind in ASIDE for block in kept)
        if groups and words < MIN_WORDS and _belongs(section, groups[-1][0].section):
            if says:
                groups[-1].append(Member(section, parts, words))
        elif says or (section.heading and not is_junk(section.heading)):
            # An empty heading may be the parent of short sections.
            groups.append([Member(section, parts, words)])
    units = tuple([join(members) for members in groups])
    _last[:] = [(text, units)]
    return units


def units_found(text: str) -> tuple[Unit, ...]:
    """Return a note's sections as :func:`find_units` does; those that it found last are kept.

    A note that gave nothing is asked for its language next. Cutting long answers measures blocks
    anew, so that whoever takes a note apart must find its units afresh.
    """
    return _last[0][1] if _last and _last[0][0] == text else find_units(text)


def _belongs(section: Section, above: Section) -> bool:
    """Say whether a short section is a piece of the one above it."""
    if section.level <= above.level or above.level < 2:
        return False
    own_sign = match_heading(section.heading) or tag_signs(section.tags, 1.0, "")
    return not own_sign and not is_junk(section.heading)


def join(members: Sequence[Member]) -> Unit:
    """Return sections as one unit, each but the first behind its heading as a line of text."""
    parts = members[0].parts
    if len(members) > 1:
        parts = (*parts, *(block for member in members[1:] for block in _headed(member)))
    return Unit(tuple(members), parts, members[-1].section.end)


def _headed(member: Member) -> tuple[Block, ...]:
    title = member.section.heading.strip().rstrip(":")
    if not title:
        return member.parts
    block = Block("prose", member.section.start, [f"{title}:"])
    measure([block])
    block.titled = True
    return (block, *member.parts)


def whole(units: Sequence[Unit]) -> Unit:
    """Return a note's sections as one unit without a heading of its own."""
    parts: list[Block] = []
    for unit in units:
        section = unit.section
        headed = section.level > 1
        parts += _headed(Member(section, unit.parts, unit.words)) if headed else unit.parts
    members = [member for unit in units for member in unit.members]
    last = units[-1]
    section = members[0].section
    members[0] = members[0]._replace(
        section=section._replace(heading="", level=0, end=last.end, parents=(), callouts=())
    )
    return Unit(tuple(members), parts, last.end)
