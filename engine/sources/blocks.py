"""Markdown as blocks of plain text: paragraphs, list items, quotes, code and table rows.

It goes in three steps, so that marks are taken out of many lines at once: a
:class:`Draft` says what each line is, all texts are made plain together, and blocks are
put together from them. All functions take any text; none of them raises.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.sources.grids import cells, find_rows, is_rule
from engine.sources.inline import NOTHING, Defined, inline_plain, inline_plain_lines, label
from engine.sources.markdown import TAG, field_line, open_lines

SEPARATOR = "\u2029"
"""Begins a paragraph where it stands before a line, as Unicode means it."""

SECTION_BREAK = "\x1d"
"""Ends the section above where it stands before a line, as often as the level of a heading
that would do the same."""

_CALLOUT = re.compile(r"^\[!([\w -]{1,40})(?:\|[^\]\n]*)?\][+-]?\s*(.*)$")
_FOOTNOTE = re.compile(r"^\[\^([^\]\s]{1,60})\]:\s*(.*)$")
_REFERENCE = re.compile(
    r"^ {0,3}\[(?!\^)((?:[^\[\]\\]|\\.){1,200})\]:[ \t]*(?:<[^<>]*>|(?=\S*[/.#:%@])[^\s<]\S*)"
    r"(?:[ \t]+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?[ \t]*$"
)
_RULE = re.compile(r"^([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_ITEM = re.compile(r"^(\s*)([-*+]|\d{1,4}[.)])\s+(.*)$")
_BOX = re.compile(r"^\[[^\]\n]\]\s+")
_HEADING = re.compile(r"#{1,6}(?:\s|$)")
_QUOTED = re.compile(r"^ {0,3}>")
_QUOTE_MARKS = re.compile(r"^(?: {0,3}> ?)+")

_FIELD_WORDS = 12
_SENTENCE_WORDS = 3
_ENDS = frozenset(".!?…")
_BREAKS = SEPARATOR + SECTION_BREAK
_EMBEDS = re.compile(r"^(?:!\[\[[^\[\]\n]{1,500}\]\]\s*)+$")
_TASK_MARKS = re.compile(
    r"\s*(?:[📅⏳🛫➕✅❌🗓📆⌛⏰]\ufe0f?\s*\d{4}-\d{2}-\d{2}|[⏫🔼🔽🔺⏬]\ufe0f?|[🆔⛔🏁]\ufe0f?\s*[\w,-]+"
    r"|🔁\ufe0f?[^📅⏳🛫➕✅❌🗓📆⏫🔼🔽🔺⏬🆔⛔🏁#\[(]*"
    r"|[\[(](?:due|scheduled|start|created|completion|cancelled|priority|repeat|id|dependsOn|onCompletion)"
    r"::[^\])\n]*[\])])"
)
_QUOTED_CALLOUTS = frozenset({"quote", "cite", "zitat", "citat"})
_PICTURE = re.compile(r"!\[|<(?:img|iframe|video|audio|object|svg)\b", re.IGNORECASE)
_EMOJI = re.compile(r"(?:^|[^A-Za-z0-9]):[A-Za-z0-9_+-]{1,40}:$")
_LABELS = re.compile(r"^(?:#[^\s#]+\s+)+")
_LISTED_KINDS = frozenset({"item", "task"})
_SPECIAL = frozenset("-*+_|:[>!0123456789")

ASIDE = frozenset({"task", "table"})
"""Kinds of blocks that are no running text, and part of an answer only in its middle."""

GAP = "gap"
"""The kind of a block without text: something that a line above announced is not text."""

_BREAK, _CODE, _TEXT, _LISTED, _TASK, _TABLE, _LEFT = range(7)
_LISTS = (_LISTED, _TASK)
_Piece = tuple[int, int, str, str, int]
"""What a line is, its number, two words about it, and the number of its text."""
_PAUSE: _Piece = (_BREAK, 0, "", "", 0)


class Block:
    """A paragraph, list item, quote, code block or table row of plain text.

    Attributes:
        kind: "prose", "item", "task", "quote", "callout", "code", "table" or :data:`GAP`.
        line: The index of its first line.
        lines: Its lines of plain text.
        letters: Its words, folded; :func:`engine.extract.prose.measure` finds them.
        words: How many there are.
        spoken: How many of them are running text of the author's own.
        kept: Whether it may be part of an answer.
        titled: Whether it is the heading of a section that stands together with another.
        logged: Whether it begins with a time of day.
    """

    __slots__ = (
        "_text", "kept", "kind", "letters", "line", "lines", "logged", "spoken", "titled", "words",
    )  # fmt: skip

    def __init__(self, kind: str, line: int, lines: list[str]) -> None:
        self.kind = kind
        self.line = line
        self.lines = lines
        self.letters = ""
        self.words = self.spoken = 0
        self.logged = self.titled = False
        self.kept = kind != GAP
        self._text: str | None = None

    def __repr__(self) -> str:
        return f"Block({self.kind!r}, {self.line}, {self.lines!r})"

    @property
    def text(self) -> str:
        """The block's text; lines that an editor wrapped are joined."""
        if self._text is None:
            lines = self.lines
            if len(lines) == 1:
                self._text = lines[0]
            else:
                self._text = "\n".join(lines if self.kind == "code" else _unwrap(lines))
        return self._text


def _unwrap(lines: Sequence[str]) -> Sequence[str]:
    """Join lines that were broken at a fixed column; keep those that the author broke.

    Lines are wrapped where no next word would have fitted, or where all are long
    and most end in the middle of a sentence.
    """
    column = max(map(len, lines))
    if not 40 <= column <= 120:
        return lines
    before = lines[:-1]
    full = all(
        len(line) + 1 + len(after.split(" ", 1)[0]) > column
        for line, after in zip(before, lines[1:], strict=True)
    )
    if not full:
        cut = sum(line[-1:] not in '.!?:;…"”)' for line in before)
        if cut * 2 < len(before) or not all(len(line) >= 45 for line in before):
            return lines
    return [" ".join(line.strip() for line in lines)]


def definitions(lines: Sequence[str], code: Sequence[bool]) -> Defined:
    """Return what a note defines: its footnotes, as plain text, and the labels of its links."""
    notes: dict[str, str] = {}
    links: set[str] = set()
    for line, is_code in zip(lines, code, strict=True):
        bracket = line.lstrip(" ")[:2]
        if is_code or bracket[:1] != "[":
            continue
        if bracket == "[^":
            if line[0] == "[" and (match := _FOOTNOTE.match(line)):
                notes.setdefault(match[1], inline_plain(match[2]))
        elif match := _REFERENCE.match(line):
            links.add(label(match[1]))
    return Defined(notes, frozenset(links))


class Draft:
    """Lines on their way to blocks: what each of them is, their texts still with marks."""

    def __init__(self, defined: Defined = NOTHING) -> None:
        """Begin one.

        Args:
            defined: What the note defines; each footnote goes in parentheses where it is
                referred to.
        """
        self._defined = defined
        self._marked: list[str] = []
        self._follows: list[bool] = []
        self._plain: list[str] | None = None

    def look(
        self, lines: Sequence[str], code: Sequence[bool], start: int = 0, end: int | None = None
    ) -> list[_Piece]:
        """Say what each line is; headings must have been taken out, comments stripped.

        Dropped: rules, field lines, link definitions, and footnote definitions.

        Args:
            lines: A note's lines.
            code: Which of them are code.
            start: The first line to look at.
            end: The line behind the last.
        """
        pieces: list[_Piece] = []
        add = pieces.append
        marked = self._marked
        in_callout = in_footnote = False
        lazy = ""  # the kind of the quotation whose paragraph the next line goes on with
        end = len(lines) if end is None else end
        rows = find_rows(lines, code, start, end)
        for number in range(start, end):
            line = lines[number]
            quoted, lazy = lazy, ""
            if code[number]:
                add((_CODE, number, "", line, 0))
                continue
            if number in rows:
                self._row(pieces, number, rows[number])
                continue
            stripped = line.strip()
            if stripped and line[0] in _BREAKS:
                add(_PAUSE)
                line = line.lstrip(_BREAKS)
                quoted = ""
            if not stripped:
                in_callout = False
                add(_PAUSE)
                continue
            if in_footnote and line[0] in " \t":
                continue
            in_footnote = stripped[:2] == "[^" and _FOOTNOTE.match(line) is not None
            kind = "prose"
            if stripped[0] == ">" and _QUOTED.match(line):
                line = _QUOTE_MARKS.sub("", line)
                callout = _CALLOUT.match(line)
                if callout:
                    in_callout = callout[1].strip().lower() not in _QUOTED_CALLOUTS
                    add(_PAUSE)
                    line = callout[2]
                kind = "callout" if in_callout else "quote"
                stripped = line.strip()
                if callout or (stripped and not _HEADING.match(stripped)):
                    lazy = kind
                if not stripped:
                    add(_PAUSE)
                    continue
            elif quoted and _is_text(line, stripped):
                # A line without the mark goes on with the quotation's paragraph.
                kind = lazy = quoted
            else:
                in_callout = False
            if "::" in line:
                pair = field_line(line)
                if pair and _is_written(pair[1]):
                    # A sentence is something that was written, no datum.
                    line = stripped = pair[1]
                elif pair:
                    self._leave(pieces, number)
                    continue
            if stripped[0] in _SPECIAL and self._special(pieces, number, line, stripped):
                continue
            before = pieces[-1] if pieces else _PAUSE
            self._follows.append(before[0] in _LISTS or (before[0] == _TEXT and before[2] == kind))
            add((_TEXT, number, kind, line[:1], len(marked)))
            marked.append(stripped)
        return pieces

    def _special(self, pieces: list[_Piece], number: int, line: str, stripped: str) -> bool:
        """Add a line that is more than text; say whether it was."""
        first = stripped[0]
        marked = self._marked
        if first in "-*_|:" and (_RULE.match(stripped) or is_rule(stripped)):
            pieces.append(_PAUSE)
            return True
        if first == "!":
            # A line of embeds shows other notes; their names are no words of this one.
            return _EMBEDS.match(stripped) is not None and self._leave(pieces, number)
        if first == "[":
            if _FOOTNOTE.match(line):
                pieces.append(_PAUSE)
                return True
            return _REFERENCE.match(line) is not None
        if first == "|":
            if stripped.count("|") < 2:
                return False
            self._row(pieces, number, cells(stripped))
            return True
        item = _ITEM.match(line)
        if item is None:
            return False
        text = item[3]
        if text[:1] == "[" and (box := _BOX.match(text)):
            pieces.append((_TASK, number, item[1], item[2], len(marked)))
            text = _LABELS.sub("", _TASK_MARKS.sub("", text[box.end() :]))
        elif text[:3] == "![[" and _EMBEDS.match(text):
            return self._leave(pieces, number)
        else:
            pieces.append((_LISTED, number, item[1], item[2], len(marked)))
        marked.append(text)
        self._follows.append(False)
        return True

    def _row(self, pieces: list[_Piece], number: int, row: Sequence[str] | None) -> None:
        """Add a line of a table; its cells are made plain one by one."""
        if row is not None and any(row):
            pieces.append((_TABLE, number, "", str(len(row)), len(self._marked)))
            self._marked.extend(row)
            self._follows.extend([False] * len(row))

    def _leave(self, pieces: list[_Piece], number: int) -> bool:
        """Note that something is left out, where the text above announces it; say that it is."""
        if self._marked and announces(self._marked[-1]):
            pieces.append((_LEFT, number, "", "", 0))
        return True

    def blocks(self, pieces: Sequence[_Piece]) -> list[Block]:
        """Put blocks together from the pieces of some lines."""
        if self._plain is None or len(self._plain) != len(self._marked):
            plain = inline_plain_lines(self._marked, self._defined, self._follows)
            self._plain = [text.strip() for text in plain]
        return _assemble(pieces, self._plain, self._marked)


def _is_text(line: str, stripped: str) -> bool:
    """Say whether a line may go on with a paragraph above: it begins nothing itself."""
    return not (stripped[0] in "#|" or _ITEM.match(line) or _RULE.match(stripped))


def _is_written(value: str) -> bool:
    """Say whether the value of a field is a sentence, or as long as one."""
    count = len(value.split())
    ends = value.rstrip("*_ ")[-1:] in _ENDS
    return count > _FIELD_WORDS or (ends and count >= _SENTENCE_WORDS)


def announces(text: str) -> bool:
    """Say whether a text ends with a colon, which announces what comes; ``:smile:`` is none."""
    text = text.rstrip("*_ ")
    if text[-1:] not in (":", "："):
        return False
    return text[-2:] != "::" and not (text.count(":") > 1 and _EMOJI.search(text))


def _assemble(pieces: Sequence[_Piece], plain: Sequence[str], marked: Sequence[str]) -> list[Block]:
    found: list[Block] = []
    current: Block | None = None
    counts: dict[int, int] = {}
    for op, number, kind, mark, index in pieces:
        if op == _TEXT:
            text = plain[index]
            if not text or (text[0] == "#" and all(map(TAG.fullmatch, text.split()))):
                if _PICTURE.search(marked[index]) and found and announces(found[-1].text):
                    current = None
                    found.append(Block(GAP, number, [""]))
                continue
            if current is None:
                current = Block(kind, number, [text])
                found.append(current)
            elif current.kind not in _LISTED_KINDS:
                if current.kind == kind:
                    current.lines.append(text)
                else:
                    current = Block(kind, number, [text])
                    found.append(current)
            elif mark in " \t" or (text[0].islower() and current.lines[-1][-1:] not in ".!?:;"):
                # An indented line, or one in the middle of a sentence, goes on with the item.
                current.lines[-1] += f" {text}"
            else:
                current = Block(kind, number, [text])
                found.append(current)
            if announces(text) and not announces(marked[index]) and _PICTURE.search(marked[index]):
                # The picture that it announces stands behind it in the line.
                current = None
                found.append(Block(GAP, number, [""]))
        elif op == _BREAK:
            current = None
        elif op == _CODE:
            if current is None or current.kind != "code":
                current = Block("code", number, [])
                found.append(current)
            current.lines.append(mark)
            continue
        elif op in _LISTS:
            text = plain[index]
            depth = min(len(kind.expandtabs(4)) // 2, 4)
            shown = _item_mark(found, counts, depth, mark)
            if text:
                sort = "item" if op == _LISTED else "task"
                current = Block(sort, number, [f"{'  ' * depth}{shown} {text}"])
                found.append(current)
        elif op == _LEFT:
            current = None
            found.append(Block(GAP, number, [""]))
        else:
            row = " | ".join(plain[index : index + int(mark)]).strip()
            current = Block("table", number, [row]) if row.strip("| ") else None
            if current is not None:
                found.append(current)
    return [block for block in found if block.kind != "code" or any(map(str.strip, block.lines))]


def _item_mark(found: list[Block], counts: dict[int, int], depth: int, mark: str) -> str:
    """Return what stands before an item; numbers go on from the first, as they are shown."""
    if counts:
        if not found or found[-1].kind not in _LISTED_KINDS:
            counts.clear()
        for deeper in [known for known in counts if known > depth]:
            del counts[deeper]
    if mark in "-*+":
        counts.pop(depth, None)
        return "-"
    count = counts.get(depth, int(mark[:-1]) - 1) + 1
    counts[depth] = count
    return f"{count}{mark[-1]}"


def blocks(lines: Sequence[str]) -> list[Block]:
    """Split lines of Markdown without headings into blocks of plain text."""
    clean, code = open_lines("\n".join(lines))
    draft = Draft()
    return draft.blocks(draft.look(clean, code))


def plain(text: str) -> str:
    """Return Markdown as plain text: paragraphs, list items with ``-``, code blocks as they are."""
    return join_blocks(_all_blocks(text))


def plain_alone(text: str) -> str:
    """Return Markdown as :func:`plain` does, as a text of its own."""
    return shown(_all_blocks(text))


def _all_blocks(text: str) -> list[Block]:
    clean, code = open_lines(text)
    draft = Draft(definitions(clean, code))
    return draft.blocks(draft.look(clean, code))


def shown(parts: Sequence[Block]) -> str:
    """Join blocks as a text of its own: without blanks at its ends, but for those of code."""
    said = join_blocks(parts).strip("\n").rstrip()
    first = next((block.kind for block in parts if block.kind != GAP), "")
    return said if first == "code" else said.lstrip()


def join_blocks(parts: Sequence[Block]) -> str:
    """Join blocks: items and rows follow each other, all else has an empty line between."""
    pieces: list[str] = []
    before: Block | None = None
    for block in parts:
        if block.kind == GAP:
            continue
        if before is not None:
            tight = block.kind in ("item", "task", "table") and block.kind == before.kind
            mixed = {block.kind, before.kind} == _LISTED_KINDS and block.line == before.line + 1
            pieces.append("\n" if tight or mixed else "\n\n")
        pieces.append(block.text)
        before = block
    return "".join(pieces)
