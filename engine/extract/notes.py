"""Examples from notes: sections that reflect, decide or sum up, in the author's own words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.extract.lexicon import HEADINGS, JUNK_HEADINGS, TAGS, fold, words
from engine.extract.questions import Subject, question
from engine.extract.sections import Section, split_sections
from engine.extract.signals import (
    SURE,
    Sign,
    Verdict,
    folder_sign,
    heading_rule,
    heading_sign,
    judge,
    tag_signs,
    wording,
)
from engine.models import Document, Example, Provenance, Turn, example_id
from engine.sources.markdown import Block, blocks, join_blocks

MIN_WORDS = 25
"""The fewest words of prose that make an answer."""

MAX_WORDS = 400
"""The most words of an answer; longer sections are split between paragraphs."""

_QUERY_FENCE = re.compile(
    r"^\s*(?:`{3,}|~{3,})\s*(?:dataview|dataviewjs|mermaid|query|tasks|base|button)\b"
)
_CLOCK = re.compile(r"^\W*\d{1,2}[:.h]\d{2}(?!\d)")
_WIKILINK = re.compile(r"(?<!!)\[\[([^\[\]|#\n]{2,60})")
_ITEM_WORDS = 6


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

    ``parts`` are the blocks of the author's prose, each with the number of its
    first line; ``prose`` counts the words that are running text.
    """

    section: Section
    parts: tuple[Block, ...]
    end: int
    prose: int
    links: tuple[str, ...]
    tags: tuple[str, ...]


def _units(document: Document) -> list[_Unit]:
    units: list[_Unit] = []
    for section in split_sections(document.text):
        unit = _unit(section)
        if units and _belongs(unit, units[-1]):
            units[-1] = _joined(units[-1], unit)
        elif unit.parts:
            units.append(unit)
        elif section.heading and not JUNK_HEADINGS.match(fold(section.heading)):
            # An empty heading may be the parent of short sections.
            units.append(unit)
    return units


def _unit(section: Section) -> _Unit:
    offset = section.end - len(section.lines)
    parts = [
        Block(block.kind, block.line + offset, block.lines)
        for block in blocks(section.lines)
        if block.kind not in ("task", "table") and not _is_query(block)
    ]
    links = dict.fromkeys(
        match[1].rsplit("/", 1)[-1].strip()
        for line in section.lines
        for match in _WIKILINK.finditer(line)
    )
    return _Unit(section, tuple(parts), section.end, _prose(parts), tuple(links), section.tags)


def _is_query(block: Block) -> bool:
    return block.kind == "code" and bool(block.lines) and bool(_QUERY_FENCE.match(block.lines[0]))


def _prose(parts: Sequence[Block]) -> int:
    """Count the words of running text: paragraphs, callouts, and items that are sentences.

    Lines of a log (they begin with a time of day), bare links and other people's
    words in quotes don't count.
    """
    total = 0
    for block in parts:
        count = len(words(block.text))
        spoken = block.kind in ("prose", "callout") or (
            block.kind == "item" and count >= _ITEM_WORDS
        )
        if spoken and not _CLOCK.match(block.text) and not _is_links(block.text):
            total += count
    return total


def _is_links(text: str) -> bool:
    return len(words(re.sub(r"https?://\S+", "", text))) < 3 and "http" in text


def _belongs(unit: _Unit, before: _Unit) -> bool:
    """Say whether a section is a short piece of the one above it."""
    section, above = unit.section, before.section
    if section.level <= above.level or above.level == 0 or unit.prose >= MIN_WORDS:
        return False
    own_sign = heading_rule(section.heading) or tag_signs(section.tags, 1.0, "")
    return not own_sign and not JUNK_HEADINGS.match(fold(section.heading)) and above.level != 1


def _joined(first: _Unit, second: _Unit) -> _Unit:
    if not second.parts:
        return first
    title = second.section.heading.strip().rstrip(":")
    head = Block("prose", second.section.start, [f"{title}:"])
    parts = (*first.parts, head, *second.parts)
    return _Unit(
        first.section,
        parts,
        second.end,
        first.prose + second.prose,
        tuple(dict.fromkeys((*first.links, *second.links))),
        tuple(dict.fromkeys((*first.tags, *second.tags))),
    )


def _whole(document: Document, units: Sequence[_Unit]) -> _Unit | None:
    """Return the note as one unit, where its tags, title or folder say what it is."""
    signs = _note_signs(document)
    kept = [
        unit for unit in units if unit.parts and not JUNK_HEADINGS.match(fold(unit.section.heading))
    ]
    total = sum(unit.prose for unit in kept)
    if not any(sign.weight >= SURE for sign in signs) or not MIN_WORDS <= total <= MAX_WORDS:
        return None
    parts: list[Block] = []
    for unit in kept:
        title = unit.section.heading.strip().rstrip(":")
        if unit.section.level > 1 and title:
            parts.append(Block("prose", unit.section.start, [f"{title}:"]))
        parts.extend(unit.parts)
    top = Section("", 0, kept[0].section.start, kept[-1].end, (), (), kept[0].section.tags, ())
    links = tuple(dict.fromkeys(link for unit in kept for link in unit.links))
    tags = tuple(dict.fromkeys(tag for unit in kept for tag in unit.tags))
    return _Unit(top, tuple(parts), kept[-1].end, total, links, tags)


def _note_signs(document: Document) -> list[Sign]:
    signs = tag_signs(document.tags, 0.5, "note ")[:1]
    rule = heading_rule(document.title)
    if rule is not None and rule.strong:
        signs.append(Sign(rule.kind, 0.4, f"title '{document.title[:60]}'"))
    folder = folder_sign(document.path)
    return [*signs, folder] if folder else signs


def _signs(document: Document, unit: _Unit, units: Sequence[_Unit]) -> list[Sign]:
    """Return what speaks for a unit, the nearest sign first."""
    section = unit.section
    signs = tag_signs(section.tags, 0.7, "")[:1]
    own = heading_sign(section.heading) if section.heading != document.title else None
    if own:
        signs.append(own)
    for parent in reversed(section.parents):
        rule = heading_rule(parent) if parent != document.title else None
        if rule is not None and rule.strong:
            signs.append(Sign(rule.kind, 0.45, f"under '{parent[:60]}'"))
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
    decided = next(rule for rule in HEADINGS if rule.group == "decision")
    return any(
        other is not unit and heading_rule(other.section.heading) is decided for other in units
    )


def _examples(document: Document, unit: _Unit, units: Sequence[_Unit]) -> Iterator[Example]:
    """Yield the examples that a unit gives, none where it is no thought."""
    if unit.prose < MIN_WORDS or not _is_own_prose(unit):
        return
    tagged = bool(tag_signs(unit.section.tags, 1.0, ""))
    if JUNK_HEADINGS.match(fold(unit.section.heading)) and not tagged:
        return
    signs = _signs(document, unit, units)
    text = join_blocks([part for part in unit.parts if part.kind != "code"])
    verdict = judge(signs, wording(text))
    if not verdict.taken:
        return
    for part in _split(unit):
        yield _example(document, unit, part, verdict)


def _is_own_prose(unit: _Unit) -> bool:
    """Say whether running text of the author's own is the larger part of a unit."""
    total = sum(len(words(part.text)) for part in unit.parts)
    clocked = sum(bool(_CLOCK.match(part.text)) for part in unit.parts if part.kind == "item")
    return unit.prose * 2 >= total and clocked * 2 <= max(len(unit.parts), 1)


def _split(unit: _Unit) -> list[tuple[Block, ...]]:
    """Split a unit's blocks so that no part is longer than an answer may be."""
    blocks_ = [piece for part in unit.parts for piece in _pieces(part)]
    counts = [len(words(part.text)) for part in blocks_]
    total = sum(counts)
    if total <= MAX_WORDS:
        return [tuple(blocks_)]
    aim = total / math.ceil(total / MAX_WORDS)
    parts: list[list[Block]] = [[]]
    size = 0
    for block, count in zip(blocks_, counts, strict=True):
        if parts[-1] and (size + count > MAX_WORDS or size + count / 2 > aim):
            parts.append([])
            size = 0
        parts[-1].append(block)
        size += count
    kept = [tuple(part) for part in parts if _prose(part) >= MIN_WORDS]
    return kept or [tuple(parts[0])]


def _pieces(block: Block) -> list[Block]:
    """Split a paragraph that is too long by itself between its sentences."""
    if block.kind == "code" or len(words(block.text)) <= MAX_WORDS:
        return [block]
    pieces: list[Block] = []
    current: list[str] = []
    for sentence in re.split(r"(?<=[.!?…])\s+", block.text):
        if current and len(words(" ".join([*current, sentence]))) > MAX_WORDS // 2:
            pieces.append(Block(block.kind, block.line, [" ".join(current)]))
            current = []
        current.append(sentence)
    pieces.append(Block(block.kind, block.line, [" ".join(current)]))
    return pieces


def _example(document: Document, unit: _Unit, part: tuple[Block, ...], verdict: Verdict) -> Example:
    section = unit.section
    answer = join_blocks([_quoted(block) for block in part]).strip()
    subject = Subject(
        kind=verdict.kind,
        heading="" if section.level == 1 and section.heading == document.title else section.heading,
        title=document.title,
        date=document.date,
        language=verdict.language,
        links=unit.links,
    )
    turns = (Turn("user", question(subject, answer)), Turn("assistant", answer))
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
        date=document.date,
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


def _quoted(block: Block) -> Block:
    """Give a quotation its marks back, which were `>` in the note."""
    if block.kind != "quote" or block.text[:1] in '"“„«':
        return block
    return Block("prose", block.line, [f"“{block.text}”"])
