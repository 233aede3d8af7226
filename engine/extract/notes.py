"""Examples from notes: sections that reflect, decide or sum up, in the author's own words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.extract.headings import is_junk, match_heading
from engine.extract.lexicon import CLIPPED, TAGS, fold
from engine.extract.prose import (
    MAX_WORDS,
    MIN_WORDS,
    is_kept,
    is_own,
    paragraph_words,
    prose_words,
    split,
    with_quotes,
)
from engine.extract.questions import Subject, question
from engine.extract.sections import Section, split_sections
from engine.extract.signals import (
    SURE,
    Sign,
    Verdict,
    folder_sign,
    heading_sign,
    judge,
    tag_signs,
    wording,
)
from engine.models import Document, Example, Provenance, Turn, example_id
from engine.sources.blocks import Block, blocks, footnotes, join_blocks
from engine.sources.notes import date_in

_WIKILINK = re.compile(r"(?<!!)\[\[([^\[\]|#\n]{2,60})")
_PARAGRAPH_WORDS = 20
_LIST_WORDS = 60
_ADDRESS_KEYS = ("source", "url", "link", "clipped")


def extract_note(document: Document) -> list[Example]:
    """Return the examples of a note.

    Each section with a sign of reflecting, deciding or learning gives one example,
    or several where it is long; a note whose sections are too short one by one is
    taken as a whole where the note itself carries the sign.
    """
    units = _units(document)
    found = [example for unit in units for example in _examples(document, unit, units)]
    if not found and len(units) > 1:
        whole = _whole(document, units)
        if whole is not None:
            found = list(_examples(document, whole, units))
    return found


@dataclass(frozen=True, slots=True)
class _Unit:
    """A section, or several that belong together, ready to be judged.

    ``parts`` are the blocks that an answer is made of, ``end`` the index behind the
    last line, ``links`` the names of the notes linked to.
    """

    section: Section
    parts: tuple[Block, ...]
    end: int
    links: tuple[str, ...]
    tags: tuple[str, ...]


def _units(document: Document) -> list[_Unit]:
    units: list[_Unit] = []
    notes = footnotes(document.text)
    for section in split_sections(document.text):
        unit = _unit(section, notes)
        if units and _belongs(unit, units[-1]):
            units[-1] = _joined(units[-1], unit)
        elif unit.parts or (section.heading and not is_junk(section.heading)):
            # An empty heading may be the parent of short sections.
            units.append(unit)
    return units


def _unit(section: Section, notes: Mapping[str, str]) -> _Unit:
    offset = section.end - len(section.lines)
    parts = tuple(
        Block(block.kind, block.line + offset, block.lines)
        for block in blocks(section.lines, notes)
        if is_kept(block)
    )
    links = dict.fromkeys(
        match[1].rsplit("/", 1)[-1].strip()
        for line in section.lines
        for match in _WIKILINK.finditer(line)
    )
    return _Unit(section, parts, section.end, tuple(links), section.tags)


def _belongs(unit: _Unit, before: _Unit) -> bool:
    """Say whether a section is a short piece of the one above it."""
    section, above = unit.section, before.section
    if section.level <= above.level or above.level < 2 or prose_words(unit.parts) >= MIN_WORDS:
        return False
    own_sign = match_heading(section.heading) or tag_signs(section.tags, 1.0, "")
    return not own_sign and not is_junk(section.heading)


def _joined(first: _Unit, second: _Unit) -> _Unit:
    if not second.parts:
        return first
    return _Unit(
        first.section,
        (*first.parts, *_headed(second)),
        second.end,
        tuple(dict.fromkeys((*first.links, *second.links))),
        tuple(dict.fromkeys((*first.tags, *second.tags))),
    )


def _headed(unit: _Unit) -> tuple[Block, ...]:
    """Return a unit's blocks behind its heading as a line of text."""
    title = unit.section.heading.strip().rstrip(":")
    if not title:
        return unit.parts
    return (Block("prose", unit.section.start, [f"{title}:"]), *unit.parts)


def _whole(document: Document, units: Sequence[_Unit]) -> _Unit | None:
    """Return the note as one unit, where its tags, title or folder say what it is."""
    signs = _note_signs(document)
    kept = [unit for unit in units if unit.parts and not is_junk(unit.section.heading)]
    total = sum(prose_words(unit.parts) for unit in kept)
    if not any(sign.weight >= SURE for sign in signs) or not MIN_WORDS <= total <= MAX_WORDS:
        return None
    parts = [
        block
        for unit in kept
        for block in (_headed(unit) if unit.section.level > 1 else unit.parts)
    ]
    top = Section("", 0, kept[0].section.start, kept[-1].end, (), (), kept[0].section.tags, ())
    links = tuple(dict.fromkeys(link for unit in kept for link in unit.links))
    tags = tuple(dict.fromkeys(tag for unit in kept for tag in unit.tags))
    return _Unit(top, tuple(parts), kept[-1].end, links, tags)


def _note_signs(document: Document) -> list[Sign]:
    signs = tag_signs(document.tags, 0.5, "note ")[:1]
    match = match_heading(document.title)
    if match is not None and match.strong:
        signs.append(Sign(match.rule.kind, 0.4, f"title '{document.title[:60]}'"))
    folder = folder_sign(document.path)
    return [*signs, folder] if folder else signs


def _signs(document: Document, unit: _Unit, units: Sequence[_Unit]) -> list[Sign]:
    """Return what speaks for a unit, the nearest sign first."""
    section = unit.section
    signs = tag_signs(section.tags, 0.7, "")[:1]
    if _is_clipped(document):
        return signs
    own = heading_sign(section.heading) if section.heading != document.title else None
    if own:
        signs.append(own)
    for parent in reversed(section.parents):
        match = match_heading(parent) if parent != document.title else None
        if match is not None and match.strong:
            signs.append(Sign(match.rule.kind, 0.45, f"under '{parent[:60]}'"))
            break
    for callout in section.callouts:
        kind = TAGS.get(fold(callout))
        if kind:
            signs.append(Sign(kind, 0.5, f"callout '{callout}'"))
            break
    if own and own.kind == "decision" and own.weight < SURE and _has_decision(unit, units):
        signs.append(Sign("decision", 0.35, "beside a decision"))
    return signs + _note_signs(document)


def _has_decision(unit: _Unit, units: Sequence[_Unit]) -> bool:
    matches = (match_heading(other.section.heading) for other in units if other is not unit)
    return any(match and match.rule.group == "decision" and match.strong for match in matches)


def _is_clipped(document: Document) -> bool:
    """Say whether a note holds what somebody else wrote: it names an address or says so."""
    names = [*document.path.split("/")[:-1], *document.tags]
    if any(part in CLIPPED for name in names for part in fold(name).split("/")):
        return True
    return any("http" in document.metadata.get(key, "") for key in _ADDRESS_KEYS)


def _examples(document: Document, unit: _Unit, units: Sequence[_Unit]) -> Iterator[Example]:
    """Yield the examples that a unit gives, none where it is no thought."""
    if prose_words(unit.parts) < MIN_WORDS or not is_own(unit.parts):
        return
    signs = _signs(document, unit, units)
    tagged = bool(tag_signs(unit.section.tags, 1.0, ""))
    if not tagged and (is_junk(unit.section.heading) or _is_clipped(document)):
        return
    if not signs and _is_bare_list(unit.parts):
        return
    text = join_blocks([part for part in unit.parts if part.kind != "code"])
    verdict = judge(signs, wording(text))
    if verdict.taken:
        for number, part in enumerate(split(unit.parts)):
            yield _example(document, unit, part, number, verdict)


def _is_bare_list(parts: Sequence[Block]) -> bool:
    """Say whether a unit is a short list, which needs more than its wording to be a thought."""
    return paragraph_words(parts) < _PARAGRAPH_WORDS and prose_words(parts) < _LIST_WORDS


def _example(
    document: Document, unit: _Unit, part: tuple[Block, ...], number: int, verdict: Verdict
) -> Example:
    section = unit.section
    answer = join_blocks(with_quotes(part)).strip()
    dated = date_in(section.heading) or document.date
    subject = Subject(
        kind=verdict.kind,
        heading="" if section.level == 1 and section.heading == document.title else section.heading,
        title=document.title,
        date=dated,
        language=verdict.language,
        links=unit.links,
    )
    # The whole section chooses the wording, so that its parts never get the same.
    asked = question(subject, join_blocks(unit.parts), part=number)
    turns = (Turn("user", asked), Turn("assistant", answer))
    first = section.start if part[0] is unit.parts[0] else part[0].line
    last = unit.end
    if part[-1] is not unit.parts[-1]:
        last = part[-1].line + len(part[-1].lines)
    provenance = Provenance(
        source_id=document.source_id,
        path=document.path,
        start_line=document.start_line + first,
        end_line=document.start_line + max(last - 1, first),
        heading=section.heading,
        title=document.title,
        tags=tuple(dict.fromkeys((*document.tags, *unit.tags))),
        date=dated,
        content_hash=document.content_hash,
    )
    return Example(
        id=example_id(turns),
        kind=verdict.kind,
        turns=turns,
        provenance=provenance,
        score=verdict.score,
        reason=verdict.reason,
        metadata=document.metadata,
    )
