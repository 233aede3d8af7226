"""Inline marks: a line of prose as it reads, without links, emphasis, tags and fields.

Many lines are converted at once: a mark that none of them has costs one search.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType

from engine.sources.markdown import TAG, code_spans, is_media

NO_FOOTNOTES: Mapping[str, str] = MappingProxyType({})
"""The footnotes of a text that has none."""

# Each pattern begins with a literal, which is what makes searching for it fast; what must
# stand before a mark is therefore asked behind its first character. None matches across lines.
_MARKED = re.compile(r"[\[`#*_~=<^\\(\x00\x01]|  ")
_IMAGE_LINK = re.compile(r"!\[\[([^\[\]\n]{0,500})\]\([^()\n]{0,2000}\)\]\([^()\n]{0,2000}\)")
_EMBED = re.compile(r"!\[\[([^\[\]\n]{1,1000})\]\]")
_WIKILINK = re.compile(r"\[\[([^\[\]\n]{1,1000})\]\]")
_BRACKET_FIELD = re.compile(r"\[([^\W\d][\w -]{0,40})::[ \t]*([^\])\n]*)[\])]")
_ROUND_FIELD = re.compile(r"\(([^\W\d][\w -]{0,40})::[ \t]+([^\])\n]*)[\])]")
_FOOTNOTE = re.compile(r"\[\^([^\]\s]{1,60})\]")
_INLINE_NOTE = re.compile(r"\^\[([^\[\]\n]{1,1000})\]")
_ADDRESS = r"\([^()\n]{0,4000}(?:\([^()\n]{0,500}\)[^()\n]{0,500})?\)"
_IMAGE = re.compile(r"!\[[^\[\]\n]{0,500}\]" + _ADDRESS)
_LINK = re.compile(r"\[([^\[\]\n]{0,1000})\]" + _ADDRESS)
_REFERENCE = re.compile(r"\[([^\[\]\n]{1,1000})\]\[[^\[\]\n]{0,200}\]")
_BARE_ADDRESS = re.compile(r"<(https?://[^<>\s]{1,2000})>")
_FIRST = itemgetter(1)
# A getter in the place of a template is several times faster.
_MARKS: tuple[tuple[str, re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    ("~~", re.compile(r"~~(?=\S)[^~\n]{1,2000}~~[ \t]?"), ""),
    ("==", re.compile(r"==(?=\S)([^=\n]{1,2000})=="), _FIRST),
    ("***", re.compile(r"\*\*\*(?<![\w*]\*\*\*)(?=\S)([^*\n]{1,2000})(?<=\S)\*\*\*"), _FIRST),
    ("**", re.compile(r"\*\*(?=\S)([^*\n]{1,2000})(?<=\S)\*\*"), _FIRST),
    ("__", re.compile(r"__(?<!\w__)(?=\S)([^_\n]{1,2000})(?<=\S)__(?!\w)"), _FIRST),
    ("*", re.compile(r"\*(?<![\w*]\*)(?=\S)([^*\n]{1,2000})(?<=\S)\*(?![\w*])"), _FIRST),
    ("_", re.compile(r"_(?<!\w_)(?=\S)([^_\n]{1,2000})(?<=\S)_(?!\w)"), _FIRST),
    ("<", re.compile(r"<br */?>", re.IGNORECASE), " "),
    ("<", re.compile(r"</?[a-zA-Z][a-zA-Z0-9-]{0,20}(?:[ \t][^<>\n]{0,500})?/?>"), ""),
    ("^", re.compile(r"\^(?<!\S\^)[\w-]{1,40}$", re.MULTILINE), ""),
    ("\\", re.compile(r"\\([\\`*_{}\[\]()#+.!~|>$-])"), _FIRST),
)
_QUERIES = ("`= ", "`$= ", "`$=")
_SPACES = re.compile(r"  (?<=\S  ) *")
_HELD = re.compile(r"\x00(\d+)\x01")
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


def inline_plain(line: str, notes: Mapping[str, str] = NO_FOOTNOTES) -> str:
    """Return a line of prose without its marks; inline code stays as it is.

    Args:
        line: One line that is not part of a code block.
        notes: Footnotes by name; a reference to one becomes its text in parentheses.
    """
    return inline_plain_lines((line,), notes)[0] if _MARKED.search(line) else line.rstrip()


def inline_plain_lines(lines: Sequence[str], notes: Mapping[str, str] = NO_FOOTNOTES) -> list[str]:
    """Return each line as :func:`inline_plain` does; the lines must hold no line ends."""
    text = "\n".join(lines)
    if not _MARKED.search(text):
        return [line.rstrip() for line in lines]
    if "\x00" in text or "\x01" in text:
        text = text.replace("\x00", "").replace("\x01", "")
    kept: list[str] = []
    if "`" in text:
        text = _each(text, "`", lambda line: _hold_code(line, kept))
    if "[" in text or "(" in text:
        text = _brackets(text, notes)
    if "#" in text:
        text = _each(text, "#", _tags_out)
    if "](" in text:
        text = _LINK.sub(_FIRST, _IMAGE.sub("", text) if "![" in text else text)
    if "][" in text:
        text = _REFERENCE.sub(_FIRST, text)
    if "<http" in text:
        text = _BARE_ADDRESS.sub(_FIRST, text)
    for mark, pattern, replacement in _MARKS:
        # One character is found many times faster than two.
        if mark[0] in text and mark in text:
            text = pattern.sub(replacement, text)
    if kept:
        text = _HELD.sub(lambda match: kept[int(match[1])], text)
    if "  " in text:
        text = _SPACES.sub(" ", text)
    return [line.rstrip() if line[-1:].isspace() else line for line in text.split("\n")]


def _each(text: str, mark: str, change: Callable[[str], str]) -> str:
    """Change the lines of a text that have a mark."""
    return "\n".join(change(line) if mark in line else line for line in text.split("\n"))


def _hold_code(line: str, kept: list[str]) -> str:
    """Put a number between two control characters in the place of each piece of inline code."""
    pieces: list[str] = []
    at = 0
    for start, end in code_spans(line):
        pieces.append(line[at:start])
        at = end
        if not line.startswith(_QUERIES, start):
            pieces.append(f"\x00{len(kept)}\x01")
            kept.append(line[start:end])
    pieces.append(line[at:])
    return "".join(pieces)


def _brackets(text: str, notes: Mapping[str, str]) -> str:
    """Resolve links to notes, embeds, inline fields and footnotes."""
    if "![[" in text:
        text = _EMBED.sub(_embedded, _IMAGE_LINK.sub("", text))
    if "[[" in text:
        text = _WIKILINK.sub(_linked, text)
    if "::" in text:
        text = _ROUND_FIELD.sub(itemgetter(2), _BRACKET_FIELD.sub(itemgetter(2), text))
    if "[^" in text:
        text = _FOOTNOTE.sub(
            lambda match: f" ({notes[match[1]]})" if notes.get(match[1]) else "", text
        )
    if "^[" in text:
        text = _INLINE_NOTE.sub(r" (\1)", text)
    return text


def _linked(match: re.Match[str]) -> str:
    return link_text(match[1])


def _embedded(match: re.Match[str]) -> str:
    name = match[1].partition("|")[0].partition("#")[0].strip()
    return "" if is_media(name) else link_text(match[1])


def _tags_out(line: str) -> str:
    """Remove tags at a line's end; in the middle of a sentence keep the word."""
    words = line.split(" ")
    while words and (not words[-1] or TAG.fullmatch(words[-1])):
        words.pop()
    return TAG.sub(_tag_word, " ".join(words))


def _tag_word(match: re.Match[str]) -> str:
    tag = match[1].strip("/")
    return match[0] if not tag or tag.isdigit() else tag.rsplit("/", 1)[-1].replace("_", " ")
