"""Examples from notes: sections that reflect, decide or sum up, in the author's own words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from engine.errors import UsageError
from engine.extract.agreeing import agrees, is_addressed, is_at_issue
from engine.extract.bodies import Bodies, is_mostly_links
from engine.extract.borrowed import is_collected, is_labelled, kind_of
from engine.extract.examples import Grounds, date_of, heading_of, lines_of, make_example
from engine.extract.headings import is_junk, match_heading
from engine.extract.languages import languages
from engine.extract.leftout import OnLeft, ignore_left, tell, tell_unanswered
from engine.extract.letters import fold
from engine.extract.lexicon import CLIPPED, tags
from engine.extract.prose import MAX_WORDS, MIN_WORDS, split, with_quotes
from engine.extract.questions import Subject, question
from engine.extract.signals import (
    FIRST_PERSON_TAGGED,
    SURE,
    WORDS_ALONE,
    Sign,
    Verdict,
    Wording,
    folder_sign,
    has_formulas,
    heading_sign,
    is_hinted,
    is_made_up,
    judge,
    may_stand_alone,
    tag_signs,
    wording_of,
)
from engine.extract.telling import asked_in, language_of
from engine.extract.topics import clean_heading
from engine.extract.units import Unit, find_units, whole
from engine.models import Document, Example, Turn
from engine.sources.blocks import Block, join_blocks, shown

TAKE = ("thoughts", "qa", "sections")
"""What a note can give."""

TAKEN = ("thoughts", "qa")
"""What is taken where nothing else is asked for: sections are many, and say less of a person."""

_ADDRESS_KEYS = ("source", "url", "link", "clipped")


def extract_note(
    document: Document, take: Collection[str] = TAKE, on_left: OnLeft = ignore_left
) -> list[Example]:
    """Return the examples of a note, in the order of its text.

    Each section with a sign of reflecting, deciding or learning gives one example,
    or several where it is long; a note whose sections are too short one by one is
    taken as a whole where the note itself carries the sign. From the other sections
    come the questions that are answered in them, and what is left of each as a whole.

    Args:
        document: The note.
        take: What is wanted: "thoughts", "qa", "sections".
        on_left: Told of each section that gives nothing, and why.
    """
    units = find_units(document.text)
    bodies = Bodies(document, units, take, lambda: note.language)
    # A card that stands in a thought is no part of it.
    note = _Note(document, tuple(map(bodies.without_cards, units)), units)
    answers = "qa" in take and not note.clipped
    thoughts: list[list[Example]] = [[] for _ in note.units]
    if "thoughts" in take:
        thoughts = [list(_thoughts(note, unit)) for unit in note.units]
        if len(note.units) > 1 and not any(thoughts):
            unit = _whole(note)
            if unit is not None and (found := list(_thoughts(note, unit))):
                cards = [card for unit in units for card in bodies.cards(unit)] if answers else []
                return [*found, *cards]
    given: Sequence[Sequence[Example]] = thoughts
    if not note.clipped and {"qa", "sections"}.intersection(take):
        given = [
            [*found, *bodies.cards(unit)] if found else bodies.examples(unit)
            for unit, found in zip(units, thoughts, strict=True)
        ]
    if on_left is not ignore_left:
        sections = "sections" not in take
        on_request = bodies.is_section if sections else lambda _: False
        if answers:
            tell_unanswered(document, bodies.unanswered, on_left)
        tell(document, units, given, on_left, clipped=note.clipped, on_request=on_request)
    return [example for found in given for example in found]


def with_sections(options: Mapping[str, str]) -> str:
    """Return what the option ``take`` of a source is where sections are asked for as well."""
    return ",".join(word for word in TAKE if word in {*taken(options), "sections"})


def taken(options: Mapping[str, str]) -> frozenset[str]:
    """Return what the option ``take`` of a source asks for; :data:`TAKEN` where it is not set.

    Raises:
        UsageError: It asks for something that a note does not give.
    """
    wanted = [word.strip() for word in options.get("take", "").split(",") if word.strip()]
    for word in wanted:
        if word not in TAKE:
            raise UsageError(
                f"a note gives no {word}",
                hint=f"take can be one or several of: {', '.join(TAKE)}",
            )
    return frozenset(wanted or TAKEN)


class _Note:
    """A note as its units are judged: what it says about all of them."""

    def __init__(
        self, document: Document, units: tuple[Unit, ...], written: Sequence[Unit]
    ) -> None:
        self.document = document
        self.units = units
        self._written = written  # with the cards that are no part of thoughts
        self.signs = _note_signs(document)
        self.clipped = _is_clipped(document)

    @cached_property
    def is_labelled(self) -> bool:
        """Whether its title, tags, folders or frontmatter say that somebody else wrote it."""
        document = self.document
        parts = [part for tag in document.tags for part in tag.split("/")]
        folders = document.path.split("/")[:-1]
        return is_labelled([document.title, *parts, *folders, *kind_of(document.metadata)])

    @cached_property
    def language(self) -> str:
        """The code of the note's language; empty where it can't be told."""
        return language_of(part for unit in self._written for part in unit.parts)

    def lines(self, spread: tuple[int, int]) -> Sequence[str]:
        """Return the lines of the note from one index up to another."""
        return self._lines[slice(*spread)]

    @cached_property
    def _lines(self) -> Sequence[str]:
        return self.document.text.split("\n")

    @cached_property
    def first(self) -> Unit | None:
        """The first of its units that is long enough to be a thought."""
        long = (unit for unit in self.units if unit.words >= MIN_WORDS and unit.is_own)
        return next(long, None)

    @cached_property
    def is_one_thought(self) -> bool:
        """Whether no more than one of its units is long enough to be a thought."""
        return sum(unit.words >= MIN_WORDS and unit.is_own for unit in self.units) <= 1


def _whole(note: _Note) -> Unit | None:
    """Return the note as one unit, where its tags, title or folder say what it is."""
    if not note.is_one_thought or not any(sign.weight >= SURE for sign in note.signs):
        return None
    kept = [unit for unit in note.units if unit.parts and not is_junk(unit.section.heading)]
    total = sum(unit.words for unit in kept)
    return whole(kept) if MIN_WORDS <= total <= MAX_WORDS else None


def _note_signs(document: Document) -> list[Sign]:
    signs = tag_signs(document.tags, 0.5, "note ")[:1]
    if signs and any(not tag_signs((tag,), 0.5, "") for tag in document.tags):
        # Among subjects it may be one: "process, learning, install".
        signs = [replace(signs[0], doubtful=True)]
    match = match_heading(document.title)
    if match is not None and match.strong:
        signs.append(Sign(match.rule.kind, 0.4, f"title '{document.title[:60]}'"))
    folder = folder_sign(document.path)
    return [*signs, folder] if folder else signs


def _signs(note: _Note, unit: Unit) -> list[Sign]:
    """Return what speaks for a unit, the nearest sign first."""
    section, title = unit.section, note.document.title
    signs = tag_signs(section.tags, 0.7, "")[:1]
    if note.clipped:
        return signs
    own = heading_sign(section.heading) if section.heading != title else None
    if own:
        signs.append(own)
    for parent in reversed(section.parents):
        match = match_heading(parent) if parent != title else None
        if match is not None and match.strong:
            signs.append(Sign(match.rule.kind, 0.45, f"under '{parent[:60]}'"))
            break
    for callout in section.callouts:
        kind = tags().get(fold(callout))
        if kind:
            signs.append(Sign(kind, 0.5, f"callout '{callout}'"))
            break
    if own and not _is_backed(note, unit, own, signs):
        signs.remove(own)
    elif own and own.kind == "decision" and _only_describes(note, unit):
        return [sign for sign in signs if sign.weight >= SURE]
    return signs + _shared(note, unit, signs)


def _is_backed(note: _Note, unit: Unit, own: Sign, signs: list[Sign]) -> bool:
    """Say whether a weak heading means what it may mean; "Context" and "Why" stand over much else.

    A decision beside it in the note becomes a sign of its own.
    """
    beside = own.kind == "decision" and own.weight < SURE and _has_decision(note, unit)
    # "Why is the roof red?" and "Decision making" stand beside decisions too.
    asks = own.loose and (unit.section.heading.endswith(("?", "？")) or _names_decision(unit))
    if beside and (not asks or _agrees(note, "decision", unit)):
        signs.append(Sign("decision", 0.35, "beside a decision"))
    titled = [sign for sign in note.signs if sign.name.startswith("title ")]
    believed = not (own.loose and titled) or _agrees(note, own.kind, unit)
    around = (sign for sign in (*signs, *(note.signs if believed else ())) if sign is not own)
    if any(sign.kind == own.kind for sign in around):
        return True
    if own.loose:
        return False
    return own.kind != "decision" or own.weight >= SURE or _agrees(note, "decision", unit)


def _names_decision(unit: Unit) -> bool:
    match = match_heading(unit.section.heading)
    return match is not None and match.rule.group == "decision"


def _only_describes(note: _Note, unit: Unit) -> bool:
    """Say whether the context of a decision tells how things are, and nothing that is at issue."""
    match = match_heading(unit.section.heading)
    if match is None or match.rule.group != "context":
        return False
    return not is_at_issue(wording_of(unit.told, prior=lambda: note.language), unit.told)


def _shared(note: _Note, unit: Unit, signs: Sequence[Sign]) -> list[Sign]:
    """Return what a note says that goes for a unit of its own: one tag is not for all of it."""
    if signs or not note.signs or note.is_one_thought:
        return note.signs
    if note.language not in languages():
        # No text can agree there; what a note says of itself goes for what it begins with.
        return note.signs if unit is note.first else []
    personal = _agrees(note, "reflection", unit)
    untitled = unit.section.heading in ("", note.document.title)
    found: list[Sign] = []
    for sign in note.signs:
        # Right under a title stands what it is about.
        if sign.doubtful and sign.kind == "reflection" and not _is_felt(note, unit):
            continue
        if _agrees(note, sign.kind, unit) or (
            personal and untitled and sign.name.startswith("title ")
        ):
            found.append(sign)
        elif personal and sign.kind == "learning":
            # Under a tag for lessons, who only tells what happened reflects.
            found.append(replace(sign, kind="reflection"))
    return found


def _agrees(note: _Note, kind: str, unit: Unit) -> bool:
    return agrees(kind, wording_of(unit.told, prior=lambda: note.language), unit.told)


def _is_felt(note: _Note, unit: Unit) -> bool:
    """Say whether a text is more than a passing "I", where one tag among many names its kind."""
    measured = wording_of(unit.told, prior=lambda: note.language)
    if measured.weighing or measured.outcome or measured.language not in languages():
        return True
    return measured.first_person >= FIRST_PERSON_TAGGED


def _has_decision(note: _Note, unit: Unit) -> bool:
    title = note.document.title
    headings = (other.section.heading for other in note.units if other is not unit)
    # A note on "Decisions" holds none for its title.
    matches = (match_heading(heading) for heading in headings if heading != title)
    return any(match and match.rule.group == "decision" and match.strong for match in matches)


def _is_clipped(document: Document) -> bool:
    """Say whether a note holds what somebody else wrote: it names an address or says so."""
    names = [*document.path.split("/")[:-1], *document.tags]
    if any(part in CLIPPED for name in names for part in fold(name).split("/")):
        return True
    return any("http" in document.metadata.get(key, "") for key in _ADDRESS_KEYS)


def _thoughts(note: _Note, unit: Unit) -> Iterator[Example]:
    """Yield the examples that a unit gives, none where it is no thought."""
    if unit.words < MIN_WORDS or not unit.is_own:
        return
    section = unit.section
    if (note.clipped or is_junk(section.heading)) and not tag_signs(section.tags, 1.0, ""):
        return
    signs = _signs(note, unit)
    if not signs and not _may_stand_alone(unit):
        return
    measured = wording_of(unit.told, phrases=bool(signs), prior=lambda: note.language)
    verdict = judge(signs, measured)
    if verdict.taken and not _is_own(note, unit, measured):
        verdict = judge(signs, measured, own=False)
    if not verdict.taken:
        return
    parts = split(unit.parts)
    for number, part in enumerate(parts):
        # Where nothing but the wording speaks for a section, it does so for each part.
        if not verdict.sure and (
            _is_mostly_code(part) or is_collected(note.lines(lines_of(unit, part)))
        ):
            continue
        alone = len(parts) == 1 or verdict.sure
        if alone or is_hinted(wording_of(part, prior=lambda: note.language)):
            said = _is_said(note, unit, verdict.kind, signs)
            yield _example(note, unit, part, number, verdict, said)


def _is_said(note: _Note, unit: Unit, kind: str, signs: Sequence[Sign]) -> bool:
    """Say whether the writer says of this text what it is, so that it can be asked for as that.

    What is told from wording, or from a note with other sections, is asked for plainly.
    """
    near = [sign for sign in signs if sign not in note.signs or note.is_one_thought]
    title = match_heading(note.document.title)
    # "Choices" over a diary's page says little.
    bare = title is not None and not title.rest
    if bare and clean_heading(unit.section.heading) == clean_heading(note.document.title):
        near = [sign for sign in near if not sign.name.startswith("heading ")]
    return any(sign.kind == kind and not (bare and sign.name.startswith("title ")) for sign in near)


def _is_own(note: _Note, unit: Unit, measured: Wording) -> bool:
    """Say whether the wording of a unit is that of its writer, who means what it says."""
    if note.is_labelled or unit.is_cited:
        return False
    if is_made_up(measured, unit.told) or is_addressed(measured, unit.told):
        return False
    return not is_mostly_links(unit)


def _is_mostly_code(part: Sequence[Block]) -> bool:
    code = sum(len(block.text) for block in part if block.kind == "code")
    return code * 2 > sum(len(block.text) for block in part)


def _may_stand_alone(unit: Unit) -> bool:
    if unit.is_bare_list or unit.total < WORDS_ALONE:
        return False
    total = sum([part.words for part in unit.told if part.kind != "code"])
    return may_stand_alone(unit.persons, total, lambda: has_formulas(unit.told))


def _example(
    note: _Note,
    unit: Unit,
    part: tuple[Block, ...],
    number: int,
    verdict: Verdict,
    said: bool,
) -> Example:
    document, section = note.document, unit.section
    heading = heading_of(document, section)
    subject = Subject(
        kind=verdict.kind if said else "section",
        heading=heading,
        title=document.title,
        date=date_of(document, section),
        language=asked_in(verdict.language, note.language, heading or document.title),
    )
    # The whole section chooses the wording, so that its parts never get the same.
    asked = question(subject, join_blocks(unit.parts), part=number)
    answer = shown(with_quotes(part))
    turns = (Turn("user", asked), Turn("assistant", answer))
    grounds = Grounds(verdict.kind, verdict.score, verdict.reason)
    return make_example(document, section, unit.tags, lines_of(unit, part), turns, grounds)
