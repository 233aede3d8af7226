"""Logseq pages: outlines of blocks, turned into Markdown as other notes are written.

Every line stays at its number, so that what is found in the Markdown can be shown in the
file. Blocks that head others become headings, sentences become paragraphs (each begun
with :data:`engine.sources.blocks.SEPARATOR`), and short blocks stay lists.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from engine.sources.blocks import SECTION_BREAK, SEPARATOR
from engine.sources.items import Item

FOLDERS = ("journals", "pages")
SETTINGS = "logseq"
CONFIG = f"{SETTINGS}/config.edn"

_BULLET = re.compile(r"^([ \t]*)-(?:[ \t](.*))?$")
_PROPERTY = re.compile(r"^\s*([^\W\d][\w./-]{0,60})::(?:[ \t]+(.*)|[ \t]*)$")
_MARKER = re.compile(
    r"^(TODO|DOING|DONE|NOW|LATER|WAITING|WAIT|CANCELL?ED|IN-PROGRESS)\s+(?:\[#[ABC]\]\s*)?"
)
_PRIORITY = re.compile(r"\[#[ABC]\]\s?")
_PLANNED = re.compile(r"^\s*(?:SCHEDULED|DEADLINE|CLOSED):\s*[<\[]|^\s*CLOCK:\s")
_HEADING = re.compile(r"^(#{1,6})\s+\S")
_MACRO = re.compile(r"\{\{\{?\s*(\w+)\b([^{}]*)\}\}\}?")
_LABELLED_REFERENCE = re.compile(r"\[([^\[\]\n]*)\]\(\(\(([0-9a-fA-F-]{8,40})\)\)\)")
_REFERENCE = re.compile(r"\(\(([0-9a-fA-F-]{8,40})\)\)")
_LINKED_TAG = re.compile(r"#\[\[([^\[\]\n]{1,100})\]\]")
_BEGIN = re.compile(r"^\s*#\+BEGIN_(\w+)\s*(.*)$", re.IGNORECASE)
_END = re.compile(r"^\s*#\+END_\w+\s*$", re.IGNORECASE)
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
_SENTENCE_END = re.compile(r"[.!?…][\"”“»)\]]*$")
_OWN_MARKS = re.compile(
    r"^[ \t]*(?:collapsed:: true|id:: [0-9a-f]{8}-[0-9a-f-]{27}|:LOGBOOK:)\s*$", re.MULTILINE
)
_CODE_BLOCKS = frozenset({"src", "example"})
_DROPPED_BLOCKS = frozenset({"export", "query", "comment"})
_PLAIN_BLOCKS = frozenset({"verse", "center"})
_ORG = "#+"
_BARE = frozenset({">", "`", "~", "|"})
_PROSE_WORDS = 12
_TITLE_WORDS = 10
_BODY_WORDS = 15
_MAX_DEPTH = 60
_SETTINGS = ("logseq.", "card-", "query-", "hl-", "ls-", "background-")
_KEYS_OF_LOGSEQ = frozenset(
    {"collapsed", "created-at", "updated-at", "icon", "public", "file", "file-path", "filters"}
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page as Markdown: its lines, each at its number, and the page's properties."""

    text: str
    properties: Mapping[str, str]


def is_page(item: Item, text: str, app: str) -> bool:
    """Say whether a note is a page of a Logseq graph.

    Args:
        item: The note.
        text: Its text.
        app: "logseq", "obsidian", or empty where nobody said.
    """
    if app:
        return app == "logseq"
    folder = item.name.partition("/")[0]
    if folder in FOLDERS and item.path is not None and folder != item.name:
        path = str(item.path)
        root = path.removesuffix(item.name)
        if root != path and os.path.isfile(root + CONFIG):
            return True
    return "::" in text and text.lstrip()[:1] == "-" and _OWN_MARKS.search(text) is not None


def page_name(stem: str) -> tuple[str, str]:
    """Return the name and the namespace of a page by its file's name, as Logseq escapes it."""
    name = unquote(stem.replace("___", "/"))
    space, _, last = name.rpartition("/")
    return (last or name).strip(), space.strip()


def to_markdown(text: str) -> Page:
    """Turn a page into Markdown with as many lines. Takes any text, and never raises."""
    lines = text.split("\n")
    reader = _Reader(lines)
    roots = reader.blocks()
    written = [""] * len(lines)
    for number in range(reader.first):
        written[number] = "" if _PROPERTY.match(lines[number]) else lines[number]
    writer = _Writer(written, reader.texts)
    writer.siblings(roots, 2)
    return Page("\n".join(written), reader.properties)


@dataclass(slots=True)
class _Block:
    """A block of an outline: its lines with their numbers, and the blocks below it."""

    indent: int
    lines: list[tuple[int, str]]
    children: list[_Block] = field(default_factory=list)
    task: str = ""
    heading: int = 0
    is_template: bool = False
    numbered: bool = False

    def words(self) -> int:
        return sum(len(line.split()) for _, line in self.lines)

    def words_below(self) -> int:
        count = 0
        pending = list(self.children)
        while pending:
            block = pending.pop()
            count += 0 if block.task else block.words()
            pending += block.children
        return count


class _Reader:
    """The state of reading a page's lines into blocks."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self.first = 0
        self.properties: dict[str, str] = {}
        self.texts: dict[str, str] = {}

    def blocks(self) -> list[_Block]:
        """Return the outermost blocks; find page properties and the texts of referred blocks."""
        roots: list[_Block] = []
        stack: list[_Block] = []
        fence = ""
        started = False
        for number, line in enumerate(self._lines):
            bullet = None if fence else _BULLET.match(line)
            if bullet is None and not started:
                self.first = number + 1
                continue
            if bullet is not None:
                started = True
                block = _Block(len(bullet[1].expandtabs(4)), [(number, bullet[2] or "")])
                while stack and (stack[-1].indent >= block.indent or len(stack) >= _MAX_DEPTH):
                    stack.pop()
                (stack[-1].children if stack else roots).append(block)
                stack.append(block)
                content = bullet[2] or ""
            else:
                content = self._continued(line, stack[-1].indent)
                stack[-1].lines.append((number, content))
            fence = _fence_after(content, fence)
        self._page_properties(roots)
        for block in _all(roots):
            self._clean(block)
        return roots

    def _continued(self, line: str, indent: int) -> str:
        """Return a block's further line without the block's indent."""
        expanded = line.expandtabs(4)
        margin = len(expanded) - len(expanded.lstrip())
        return expanded[min(margin, indent + 2) :]

    def _page_properties(self, roots: list[_Block]) -> None:
        head = list(enumerate(self._lines[: self.first]))
        if roots and all(_PROPERTY.match(line) for _, line in roots[0].lines if line.strip()):
            # Older graphs keep them in the first block.
            head += roots[0].lines
            if not roots[0].children:
                roots.pop(0)
        for _, line in head:
            found = _PROPERTY.match(line)
            if found:
                self.properties.setdefault(found[1].lower(), (found[2] or "").strip())

    def _clean(self, block: _Block) -> None:
        """Take a block's properties, drawers and markers out of its lines."""
        kept: list[tuple[int, str]] = []
        drawer = False
        reference = ""
        ordinary = ""
        for number, line in _without_org(block.lines):
            stripped = line.strip()
            if drawer or stripped == ":LOGBOOK:":
                drawer = stripped != ":END:"
                continue
            if _PLANNED.match(line):
                continue
            found = _PROPERTY.match(line)
            if found is None:
                kept.append((number, line))
                ordinary = ordinary or stripped
                continue
            key, value = found[1].lower(), (found[2] or "").strip()
            if key == "id":
                reference = value
            elif key == "template":
                block.is_template = True
            elif key == "heading":
                block.heading = int(value) if value in "123456" and value else 2
            elif key == "logseq.order-list-type":
                block.numbered = value == "number"
            elif key in ("tags", "type"):
                kept.append((number, " ".join(f"#{name}" for name in names(value))))
            elif value and key not in _KEYS_OF_LOGSEQ and not key.startswith(_SETTINGS):
                kept.append((number, line.strip()))
        if kept and (marker := _MARKER.match(kept[0][1])):
            block.task = marker[1]
            kept[0] = (kept[0][0], kept[0][1][marker.end() :])
        block.lines = kept
        if reference:
            self.texts[reference.lower()] = ordinary


def _fence_after(line: str, fence: str) -> str:
    """Return the mark of what is open behind a line in which bullets would be no bullets."""
    if fence == _ORG:
        return "" if _END.match(line) else fence
    if not fence and _BEGIN.match(line):
        return _ORG
    found = _FENCE.match(line)
    if found and not fence:
        return found[1]
    return "" if found and found[1].startswith(fence) and not line.strip(" `~") else fence


def _all(roots: Sequence[_Block]) -> Iterator[_Block]:
    pending = list(reversed(roots))
    while pending:
        block = pending.pop()
        yield block
        pending += reversed(block.children)


def names(value: str) -> list[str]:
    """Return the names in a property's value: links, tags or words with commas between."""
    found = re.split(r",\s*", value.replace("[[", "").replace("]]", ""))
    return [re.sub(r"\s+", "_", bare) for name in found if (bare := name.strip().lstrip("#"))]


def _without_org(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Turn blocks that are marked as in Org mode into Markdown's own."""
    inside = ""
    for number, line in lines:
        begin = None if inside else _BEGIN.match(line)
        if begin:
            inside = begin[1].lower()
            if inside in _CODE_BLOCKS:
                yield number, f"```{begin[2].split(' ')[0]}"
            elif inside not in _DROPPED_BLOCKS | _PLAIN_BLOCKS | {"quote"}:
                yield number, f"> [!{inside}]"
        elif inside and _END.match(line):
            if inside in _CODE_BLOCKS:
                yield number, "```"
            inside = ""
        elif inside in _DROPPED_BLOCKS:
            continue
        elif inside and inside not in _CODE_BLOCKS | _PLAIN_BLOCKS:
            yield number, f"> {line}"
        else:
            yield number, line


class _Writer:
    """Puts blocks as Markdown into lines."""

    def __init__(self, lines: list[str], texts: Mapping[str, str]) -> None:
        self._lines = lines
        self._texts = texts

    def siblings(self, blocks: Sequence[_Block], level: int) -> None:
        """Write blocks that stand below one heading of ``level - 1``."""
        kept = [block for block in blocks if not block.is_template]
        as_prose = any(_is_prose(block) for block in kept if not _is_card(block))
        # What stands below a heading's blocks is its section, and what stands beside it is
        # none; but where a heading has none below, those beside it are.
        ended = ""
        for block in kept:
            heading = self._heading(block, level)
            if heading:
                self._write_heading(block, heading)
                self.siblings(block.children, min(heading + 1, 6))
                ended = SECTION_BREAK * heading if block.children else ""
                continue
            bare = block.lines and block.lines[0][1].lstrip()[:1] in _BARE
            listed = block.task or block.numbered or _is_card(block)
            if bare or (as_prose and not listed):
                self._write(block, ended + SEPARATOR, "")
                self._items(block.children, 0)
            else:
                self._items([block], 0, ended)
            ended = ""

    def _heading(self, block: _Block, level: int) -> int:
        """Return the level of the heading that a block is, or 0."""
        first = block.lines[0][1] if block.lines else ""
        written = _HEADING.match(first)
        if written:
            return len(written[1])
        if block.task or not first.strip() or _is_card(block):
            return 0
        if block.heading:
            return block.heading
        words = first.split()
        ends = first.rstrip()[-1:] in (".", "!", ";", ",", "…")
        said = sum(bool(line.strip()) and not _is_tags(line) for _, line in block.lines)
        if said > 1 or ends or len(words) > _TITLE_WORDS or first[:1] in (">", "`"):
            return 0
        return min(level, 6) if block.words_below() >= _BODY_WORDS else 0

    def _write_heading(self, block: _Block, level: int) -> None:
        number, first = block.lines[0]
        mark = "" if _HEADING.match(first) else f"{'#' * level} "
        self._lines[number] = mark + self._plain(first)
        for later, line in block.lines[1:]:
            self._lines[later] = self._plain(line)

    def _write(self, block: _Block, mark: str, margin: str) -> None:
        """Write a block's lines, with a mark before the first and a margin before the others."""
        fence = ""
        for index, (number, line) in enumerate(block.lines):
            found = _FENCE.match(line)
            text = line if fence or found else self._plain(line)
            if found:
                fence = "" if fence and line.strip().startswith(fence) else found[1]
            before = mark if index == 0 else margin
            # A fence, quotation or tag must stand where its line begins.
            bare = mark[-1:] == SEPARATOR and text.lstrip()[:1] in _BARE
            self._lines[number] = text if bare or not text.strip() else before + text

    def _items(self, blocks: Sequence[_Block], depth: int, before: str = "") -> None:
        """Write blocks as a list, with those below them, the first behind some mark."""
        pending = [(block, depth) for block in reversed(blocks) if not block.is_template]
        while pending:
            block, at = pending.pop()
            margin = "  " * at
            mark = f"{margin}1. " if block.numbered else f"{margin}- "
            if block.task:
                mark += "[x] " if block.task in ("DONE", "CANCELED", "CANCELLED") else "[ ] "
            if block.lines:
                self._write(block, before + mark, f"{margin}  ")
                before = ""
            pending += [
                (child, at + 1) for child in reversed(block.children) if not child.is_template
            ]

    def _plain(self, line: str) -> str:
        """Resolve references and macros, and write linked tags as others are."""
        if "{{" in line:
            line = _MACRO.sub(lambda match: match[2].strip() if match[1] == "cloze" else "", line)
        if "((" in line:
            line = _LABELLED_REFERENCE.sub(r"\1", line)
            line = _REFERENCE.sub(
                lambda match: self._texts.get(match[1].lower(), "").rstrip("."), line
            )
        if "[#" in line:
            line = _PRIORITY.sub("", line)
        if "#[[" in line:
            line = _LINKED_TAG.sub(lambda match: "#" + re.sub(r"\s+", "_", match[1].strip()), line)
        return line


def _is_prose(block: _Block) -> bool:
    """Say whether a block is written in sentences."""
    if block.task or not block.lines:
        return False
    last = next((line for _, line in reversed(block.lines) if line.strip()), "").rstrip()
    words = block.words()
    return words >= _PROSE_WORDS or (
        words >= _PROSE_WORDS // 2 and bool(_SENTENCE_END.search(last))
    )


def _is_card(block: _Block) -> bool:
    """Say whether a block is a flashcard, whose answer is what stands below it."""
    return bool(block.lines) and "#card" in block.lines[0][1].split()


def _is_tags(line: str) -> bool:
    return all(word.startswith(("#", "[[")) for word in line.split())
