"""Inline marks: prose as it reads, without links, emphasis, escapes, tags and fields.

The rules are CommonMark's, with Obsidian's additions: links to notes, embeds, fields, tags,
highlights, footnotes, formulas. What has no mark costs one search.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from engine.sources.emphasis import STRUCK, Run, take_out
from engine.sources.htmltags import BREAKING, ELEMENTS
from engine.sources.markdown import TAG, is_media


class Defined(NamedTuple):
    """What a note defines for the marks in it.

    Attributes:
        footnotes: The texts of footnotes by name, as plain text.
        links: The labels of its link definitions, folded by :func:`label`; None where they
            are not known, since the text is a part of a note.
    """

    footnotes: Mapping[str, str] = MappingProxyType({})
    links: frozenset[str] | None = None


NOTHING = Defined()
NO_LINKS = Defined(links=frozenset())
"""What a whole note has that defines nothing."""

# Each asks for one character of a set first, and then for what makes it a mark: searching for a set
# is several times faster than for one of several patterns.
_MARK = re.compile(
    r"[\[`*_<\\&$\x00-\x03#=~:^]"
    r"(?:(?<=[\[`*_<\\&$\x00-\x03])|(?<=#)\S|(?<==)=|(?<=~)~|(?<=:):|(?<=\s\^))"
)
_SPECIAL = re.compile(
    r"[\\`*_\[\]<&$!^~=(](?:(?<=[\\`*_\[\]<&$])|(?<=[!^])\[|(?<=~)~|(?<==)="
    r"|(?<=\()(?=[^\W\d][\w -]{0,40}::[ \t]))"
)
_EMBED = re.compile(r"!\[\[([^\[\]\n]{1,1000})\]\]")
_WIKILINK = re.compile(r"\[\[([^\[\]\n]{1,1000})\]\]")
_BRACKET_FIELD = re.compile(r"\[([^\W\d][\w -]{0,40})::[ \t]*([^\])\n]*)[\])]")
_ROUND_FIELD = re.compile(r"\(([^\W\d][\w -]{0,40})::[ \t]+([^\])\n]*)[\])]")
_FOOTNOTE = re.compile(r"\[\^([^\]\s]{1,60})\]")
_INLINE_NOTE = re.compile(r"\^\[([^\[\]\n]{1,1000})\]")
_ONE = r"[^\x00-\x20()\\]|\\."
_ROUND = rf"(?:{_ONE}|\((?:{_ONE}|\((?:{_ONE}|\([^\x00-\x20()]*\))*\))*\))*"
_SPACE = r"[ \t]*\n?[ \t]*"
_TITLE = r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\))"
_TARGET = re.compile(
    rf"\({_SPACE}(?:<(?:[^<>\n\\]|\\.)*+>|(?!<){_ROUND})"
    rf"(?:(?:[ \t]*\n[ \t]*|[ \t]+){_TITLE})?{_SPACE}\)",
    re.DOTALL,
)
# Some apps leave the spaces in the names of files.
_FILE = re.compile(r"\((?!\s)[^()\n]{0,500}[/\w]\.[A-Za-z]\w{0,5}(?:#[^()\n]{0,200})?\)")
_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){0,999})\]", re.DOTALL)
# The commonest links: no other mark in their text, and a target that has none of its own rules.
_SIMPLE_LINK = re.compile(r"\[([^\[\]\\`*_<&$^~=:#\n]*+)\]\([^\x00-\x20()<\\]*+\)")
_ADDRESS = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^<>\x00-\x20]*)>")
_MAIL = re.compile(r"<([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9][A-Za-z0-9.-]{0,250})>")
_HTML = re.compile(
    r"<(?:/([A-Za-z][A-Za-z0-9-]*)\s*|"
    r"([A-Za-z][A-Za-z0-9-]*)(?:\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s\"'=<>`]+|'[^']*'|\"[^\"]*\"))?)*"
    r"\s*/?)>"
)
_UNSHOWN = (("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>"), ("<!", ">"))
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_FORMULA = re.compile(
    r"\$\$.+?\$\$|\$(?=[^\s$])(?:[^$\n\\]|\\[^\n])*(?<=[^\s\\])\$(?!\d)", re.DOTALL
)
_TEX = re.compile(r"\\(?:\((.{1,1000}?)\\\)|\[(.{1,1000}?)\\\])", re.DOTALL)
_TEX_ENDS = {"(": "\\)", "[": "\\]"}
_TEX_SIGN = re.compile(r"\\[A-Za-z]|\w[ \t]*[\^_={+]")
_TICKS = re.compile(r"`+")
_ESCAPABLE = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_QUERIES = ("`= ", "`$= ", "`$=")
_SPACES = re.compile(r"  (?<=\S  ) *")
_BLOCK_ID = re.compile(r"\^(?<!\S\^)[\w-]{1,40}[ \t]*$", re.MULTILINE)
_HELD = re.compile("\x00(\\d+)\x01")
_STRUCK = re.compile(rf"(?:\A|(?<=\s)){STRUCK}[ \t]?|{STRUCK}")
_CONTROL = re.compile("[\x00-\x03]")
_SIGN = "\x02"  # stands for a # that begins no tag
_SIZE = re.compile(r"\s*\d+(x\d+)?\s*")


@lru_cache(maxsize=4096)
def link_text(target: str) -> str:
    """Return what a ``[[target#heading|shown]]`` link reads as."""
    name, bar, shown = target.partition("|")
    if bar and shown.strip() and not _SIZE.fullmatch(shown):
        return shown.replace("\\", "").strip()
    page, _, heading = name.rstrip("\\").partition("#")
    page = page.strip().rsplit("/", 1)[-1].removesuffix(".md")
    return page or heading.lstrip("^").strip()


def label(text: str) -> str:
    """Return the label of a link definition as labels are compared."""
    return " ".join(text.split()).casefold()


def inline_plain(line: str, defined: Defined = NOTHING) -> str:
    """Return a line of prose without its marks; inline code and formulas stay as they are.

    Args:
        line: One line that is not part of a code block.
        defined: What the note defines; a reference to a footnote becomes its text in
            parentheses.
    """
    return inline_plain_lines((line,), defined)[0]


def inline_plain_lines(
    lines: Sequence[str], defined: Defined = NOTHING, follows: Sequence[bool] = ()
) -> list[str]:
    """Return each line as :func:`inline_plain` does; the lines must hold no line ends.

    Args:
        lines: The lines.
        defined: What the note defines.
        follows: For each line whether it goes on with the paragraph before it, over which
            marks may reach; none does where it is empty.
    """
    whole = "\n".join(lines)
    # Looking for two characters in a row takes longer than looking for one of many.
    spaced = "  " in whole
    if not spaced and not _MARK.search(whole):
        return [line.rstrip() for line in lines]
    if _CONTROL.search(whole):
        lines = [_CONTROL.sub("", line) for line in lines]
    plain: list[str] = []
    start = 0
    while start < len(lines):
        end = start + 1
        while end < len(follows) and follows[end]:
            end += 1
        if end == start + 1:
            text = lines[start]
            if _MARK.search(text) or (spaced and "  " in text):
                text = _plain(text, defined)
            plain.append(text.rstrip())
        else:
            text = "\n".join(lines[start:end])
            if _MARK.search(text) or (spaced and "  " in text):
                text = _plain(text, defined)
            plain += [line.rstrip() for line in text.split("\n")]
        start = end
    return plain


def _plain(text: str, defined: Defined) -> str:
    kept: list[str] = []
    if _SPECIAL.search(text):
        text = _Scanner(text, defined, kept).run()
    if "#" in text:
        text = _tags_out(text)
    if "^" in text:
        text = _BLOCK_ID.sub("", text)
    if STRUCK in text:
        text = _STRUCK.sub("", text)
    if "  " in text:
        text = _SPACES.sub(" ", text)
    if _SIGN in text:
        text = text.replace(_SIGN, "#")
    return _HELD.sub(lambda match: kept[int(match[1])], text) if kept else text


class _Opener(NamedTuple):
    """A bracket that may begin a link: its piece, the place behind it, and what stood before."""

    piece: int
    behind: int
    bottom: int
    image: bool


class _Scanner:
    """Goes through a text once, from mark to mark; see CommonMark's "parsing strategy"."""

    def __init__(self, text: str, defined: Defined, kept: list[str]) -> None:
        self._text = text
        self._defined = defined
        self._kept = kept
        self._pieces: list[str] = []
        self._runs: list[Run] = []
        self._openers: list[_Opener] = []
        self._active = 0
        self._unclosed: set[int] = set()
        self._known: dict[str, int] = {}

    def run(self) -> str:
        """Return the text without marks; what must not be touched is held apart in ``kept``."""
        text, pieces = self._text, self._pieces
        at = 0
        while match := _SPECIAL.search(text, at):
            start = match.start()
            if start > at:
                pieces.append(text[at:start])
            at = _READ[text[start]](self, start)
        pieces.append(text[at:])
        if self._runs:
            take_out(self._runs, pieces)
        return "".join(pieces)

    def _put(self, text: str, end: int) -> int:
        self._pieces.append(text)
        return end

    def _hold(self, start: int, end: int) -> int:
        """Put a number between two control characters in the place of what stays as it is."""
        self._kept.append(self._text[start:end])
        return self._put(f"\x00{len(self._kept) - 1}\x01", end)

    def _lines(self, start: int, end: int) -> str:
        return "\n" * self._text.count("\n", start, end)

    def _escape(self, at: int) -> int:
        following = self._text[at + 1 : at + 2]
        if following in _TEX_ENDS and self._next(_TEX_ENDS[following], at + 2) >= 0:
            formula = _TEX.match(self._text, at)
            if formula and _TEX_SIGN.search(formula[1] or formula[2]):
                return self._hold(at, formula.end())
        if following == "\n":
            return self._put("", at + 1)
        if following not in _ESCAPABLE:
            return self._put("\\", at + 1)
        return self._put(_SIGN if following == "#" else following, at + 2)

    def _code(self, at: int) -> int:
        behind = _end_of_run(self._text, at)
        length = behind - at
        if length not in self._unclosed:
            for match in _TICKS.finditer(self._text, behind):
                if match.end() - match.start() == length:
                    if self._text.startswith(_QUERIES, at):
                        return self._put("", match.end())
                    return self._hold(at, match.end())
            self._unclosed.add(length)
        return self._put("`" * length, behind)

    def _dollar(self, at: int) -> int:
        formula = _FORMULA.match(self._text, at)
        return self._hold(at, formula.end()) if formula else self._put("$", at + 1)

    def _mark(self, at: int) -> int:
        text = self._text
        mark = text[at]
        end = _end_of_run(text, at)
        if mark == "_" and at and text[at - 1].isalnum() and text[end : end + 1].isalnum():
            # An underscore inside of a word is no mark.
            return self._put(text[at:end], end)
        if mark in "*_" or end - at == 2:
            before = text[at - 1] if at else " "
            after = text[end] if end < len(text) else " "
            found = Run(len(self._pieces), mark, end - at, before, after)
            if found.opens or found.closes:
                self._runs.append(found)
        return self._put(text[at:end], end)

    def _bracket(self, at: int) -> int:
        text = self._text
        following = text[at + 1 : at + 2]
        if following == "[" and (link := _WIKILINK.match(text, at)):
            return self._put(link_text(link[1]), link.end())
        if following == "^" and (mark := _FOOTNOTE.match(text, at)):
            note = self._defined.footnotes.get(mark[1])
            return self._put(f" ({note})" if note else "", mark.end())
        if link := _SIMPLE_LINK.match(text, at):
            self._active = len(self._openers)
            self._pieces.append(link[1])
            return self._put("", link.end())
        if field := _BRACKET_FIELD.match(text, at):
            return self._inner("", field[2], "", field.end())
        self._openers.append(_Opener(len(self._pieces), at + 1, len(self._runs), image=False))
        return self._put("[", at + 1)

    def _image(self, at: int) -> int:
        if embed := _EMBED.match(self._text, at):
            name = embed[1].partition("|")[0].partition("#")[0].strip()
            return self._put("" if is_media(name) else link_text(embed[1]), embed.end())
        self._openers.append(_Opener(len(self._pieces), at + 2, len(self._runs), image=True))
        return self._put("![", at + 2)

    def _note(self, at: int) -> int:
        note = _INLINE_NOTE.match(self._text, at)
        if note is None:
            return self._put("^", at + 1)
        return self._inner(" (", note[1], ")", note.end())

    def _round(self, at: int) -> int:
        field = _ROUND_FIELD.match(self._text, at)
        if field is None:
            return self._put("(", at + 1)
        return self._inner("", field[2], "", field.end())

    def _inner(self, before: str, text: str, after: str, end: int) -> int:
        """Put what stands inside of a mark; it holds no brackets, so it goes no deeper."""
        inner = _Scanner(text, self._defined, self._kept).run()
        return self._put(f"{before}{inner}{after}", end)

    def _close(self, at: int) -> int:
        """End a link or picture, if the bracket does."""
        opener = self._openers.pop() if self._openers else None
        # A link holds no link: those that are open around one are text.
        open_still = opener is not None and (opener.image or len(self._openers) >= self._active)
        self._active = min(self._active, len(self._openers))
        end = self._target(opener.behind, at) if opener is not None and open_still else -1
        if opener is None or end < 0:
            return self._put("]", at + 1)
        pieces = self._pieces
        if opener.image:
            del self._runs[opener.bottom :]
            held = "".join(pieces[opener.piece :])
            pieces[opener.piece :] = ["\n" * held.count("\n")]
        else:
            take_out(self._runs, pieces, opener.bottom)
            pieces[opener.piece] = ""
            # A sign in a link's text begins no tag.
            pieces[opener.piece :] = [part.replace("#", _SIGN) for part in pieces[opener.piece :]]
            self._active = len(self._openers)
        return self._put(self._lines(at, end), end)

    def _target(self, start: int, at: int) -> int:
        """Return where a link ends whose text ends at a bracket, or -1 where it is none."""
        text = self._text
        if text[at + 1 : at + 2] == "(":
            found = _TARGET.match(text, at + 1) or _FILE.match(text, at + 1)
            if found:
                return found.end()
        known = self._defined.links
        named = _LABEL.match(text, at + 1)
        if named and named[1].strip():
            return named.end() if known is None or label(named[1]) in known else -1
        if known and label(text[start:at]) in known:
            return named.end() if named else at + 1
        return -1

    def _angle(self, at: int) -> int:
        text = self._text
        address = _ADDRESS.match(text, at) or _MAIL.match(text, at)
        if address:
            return self._put(address[1].replace("#", _SIGN), address.end())
        tag = _HTML.match(text, at)
        if tag is None:
            end = self._unshown(at)
            return self._put(self._lines(at, end), end) if end else self._put("<", at + 1)
        name = (tag[1] or tag[2]).lower()
        if name not in ELEMENTS and "-" not in name:
            # No browser knows it: a placeholder or a type, such as List<String>.
            return self._put(tag[0].replace("#", _SIGN), tag.end())
        lines = self._lines(at, tag.end())
        apart = name in BREAKING and self._pieces and not self._pieces[-1][-1:].isspace()
        return self._put(lines or (" " if apart else ""), tag.end())

    def _unshown(self, at: int) -> int:
        """Return where a comment or an instruction ends that begins here; 0 where none does."""
        for opening, closing in _UNSHOWN:
            if self._text.startswith(opening, at):
                end = self._next(closing, at + 2)
                letter = self._text[at + 2 : at + 3].isalpha() or opening != "<!"
                return end + len(closing) if end >= 0 and letter else 0
        return 0

    def _next(self, mark: str, at: int) -> int:
        """Return where a mark comes next, or -1; what was found once is not looked for again."""
        known = self._known.get(mark, at - 1)
        if 0 <= known < at:
            known = self._known[mark] = self._text.find(mark, at)
        return known

    def _ampersand(self, at: int) -> int:
        entity = _ENTITY.match(self._text, at)
        said = html.unescape(entity[0]) if entity else ""
        if entity is None or said == entity[0]:
            return self._put("&", at + 1)
        said = "".join(" " if character < " " else character for character in said)
        return self._put(said.replace("#", _SIGN).replace("\u2029", " "), entity.end())


def _end_of_run(text: str, at: int) -> int:
    end = at + 1
    while text[end : end + 1] == text[at]:
        end += 1
    return end


_READ = {
    "\\": _Scanner._escape, "`": _Scanner._code, "$": _Scanner._dollar, "*": _Scanner._mark,
    "_": _Scanner._mark, "~": _Scanner._mark, "=": _Scanner._mark, "[": _Scanner._bracket,
    "!": _Scanner._image, "^": _Scanner._note, "(": _Scanner._round, "]": _Scanner._close,
    "<": _Scanner._angle, "&": _Scanner._ampersand,
}  # fmt: skip


def _tags_out(text: str) -> str:
    """Remove tags at the end of lines; in the middle of a sentence keep the word."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if "#" not in line:
            continue
        words = line.rstrip().split(" ")
        while words and (not words[-1] or _is_tag(words[-1])):
            words.pop()
        after = lines[number + 1].lstrip() if number + 1 < len(lines) else ""
        if words and after[:1].islower() and words[-1][-1:] not in ".!?:;…":
            # The sentence goes on in the next line.
            words = line.split(" ")
        lines[number] = TAG.sub(_tag_word, " ".join(words))
    return "\n".join(lines)


def _is_tag(word: str) -> bool:
    found = TAG.fullmatch(word)
    return found is not None and not found[1].isdigit()


def _tag_word(match: re.Match[str]) -> str:
    tag = match[1].strip("/")
    return match[0] if not tag or tag.isdigit() else tag.rsplit("/", 1)[-1].replace("_", " ")
