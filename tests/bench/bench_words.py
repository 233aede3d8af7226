"""Words of notes that are lost or added: ``python -m tests.bench.bench_words FOLDER...``.

Each section that is read from a note is compared with what markdown-it-py renders of the same
lines: the words of headings, paragraphs, lists, tasks, tables and quotes, without pictures, code,
HTML, addresses and what is struck out, and without what is Obsidian's own (comments, embeds,
fields, tags). *Lost* are words that the renderer shows and the text read from the note does not
have, *added* the other way round; *marks* are signs of Markdown that are left in the text. Of
thoughts and sections, *missing* are the words of their lines that neither the answer has nor a
question with its answer that was taken out of them, and *holes* the answers with any; last, how
many answers end in a line that announces something.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from engine.extract.notes import TAKE, extract_note
from engine.extract.sections import split_sections
from engine.models import Document, Example
from engine.sources.base import Reading
from engine.sources.htmltags import ELEMENTS
from engine.sources.items import Refused
from engine.sources.markdown import TAG, open_lines
from engine.sources.vault import VaultReader

_PEER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|(?:(?![\u3040-\u30ff\u3400-\u9fff])[^\W_])+")
_NUMBER = re.compile(r"^\s*\d{1,9}[.)] ", re.MULTILINE)
_ELEMENT = re.compile(r"</?([A-Za-z][\w-]*)")
_CODE = re.compile(r"`[^`\n]*`")
_LEFT = re.compile(r"(?<!\\)(?:\*\*|~~|__(?=\w)|\]\(|&(?:amp|lt|gt|nbsp|quot);|\\[*_#\[\]&`])")
_OBSIDIAN = re.compile(
    r"!\[\[[^\]\n]*\]\]|\^\[[^\]\n]*\]|\[\^[^\]\s]+\]:?|(?<=\s)\^[\w-]+$|==|\$[^$\n]+\$"
    r"|^\s*(?:[-*+]\s+)?[*_]*[^\W\d][\w -]{0,40}[*_]*::.*$|[\[(][^\W\d][\w -]{0,40}::[^\])\n]*[\])]"
    r"|https?://[^\s)]+",
    re.MULTILINE,
)
_WIKILINK = re.compile(r"\[\[([^\[\]\n|]*\|)?([^\[\]\n]*)\]\]")
_TAIL_TAGS = re.compile(rf"(?:(?:^|[ \t]){TAG.pattern})+[ \t]*$", re.MULTILINE)
_BOX = re.compile(r"^(\s*(?:>\s*)*(?:[-*+]|\d+[.)])\s+)\[.\]\s+(?:#\S+\s+)*", re.MULTILINE)
_DATES = re.compile(
    r"[📅⏳🛫➕✅❌🗓📆⌛⏰]\ufe0f?\s*\d{4}-\d{2}-\d{2}|[🆔⛔🏁]\ufe0f?\s*[\w,-]+|🔁[\w ]*"
)
_CALLOUT = re.compile(r"^(\s*(?:>\s*)+)\[![^\]\n]*\][+-]?", re.MULTILINE)


def _shown(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the texts that a reader sees, of code none."""
    struck = 0
    for token in tokens:
        if token.type == "inline":
            yield from _shown(token.children or [])
            yield " "
        struck += {"s_open": 1, "s_close": -1}.get(token.type, 0)
        if not struck and token.type in ("text", "text_special"):
            yield token.content
        elif token.type == "html_inline":
            # A name that no browser knows is a word in angle brackets.
            name = _ELEMENT.match(token.content)
            yield token.content if name and name[1].lower() not in ELEMENTS else " "
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n"


def rendered(text: str) -> Counter[str]:
    """Return the words that the peer shows of a text."""
    lines, code = open_lines(text)
    bare = "\n".join("" if is_code else line for line, is_code in zip(lines, code, strict=True))
    bare = _WIKILINK.sub(
        lambda m: m[2].rpartition("/")[2].removeprefix("#").partition("#")[0],
        _OBSIDIAN.sub(" ", bare),
    )
    bare = _CALLOUT.sub(r"\1", _BOX.sub(r"\1", _DATES.sub(" ", _TAIL_TAGS.sub("", bare))))
    return Counter(_WORD.findall("".join(_shown(_PEER.parse(bare))).lower()))


def taken(document: Document) -> tuple[Counter[str], int]:
    """Return the words of all that is read from a note, and how many marks are left in it."""
    words: Counter[str] = Counter()
    marks = 0
    for section in split_sections(document.text):
        said = "\n".join([block.text for block in section.blocks if block.kind != "code"])
        text = _CODE.sub(" ", f"{section.heading}\n{_NUMBER.sub('', said)}")
        marks += len(_LEFT.findall(text))
        words.update(_WORD.findall(_OBSIDIAN.sub(" ", text).lower()))
    return words, marks


def _missing(document: Document, example: Example, examples: Sequence[Example]) -> int:
    """Return how many words of an example's lines neither it nor one within them has."""
    place = example.provenance
    first = place.start_line - document.start_line
    lines = document.text.split("\n")[first : place.end_line - document.start_line + 1]
    said = [place.heading]
    for other in examples:
        inside = place.start_line <= other.provenance.start_line <= place.end_line
        if other is example or (inside and other.kind == "qa"):
            said += [turn.content for turn in other.turns]
    words = Counter(_WORD.findall("\n".join(said).lower()))
    return (rendered("\n".join(lines)) - words).total()


def main() -> None:
    """Print the figures of each folder, and those of answers that end in a colon."""
    print(f"{'folder':28} {'notes':>6} {'words':>9} {'lost':>7} {'added':>7} {'marks':>6} "
          f"{'answers':>8} {'missing':>8} {'holes':>7} {'dangling':>9}")  # fmt: skip
    for folder in sys.argv[1:]:
        counts: Counter[str] = Counter()
        worst: Counter[str] = Counter()
        reader = VaultReader()
        start = time.process_time()
        for item in reader.items(folder, Reading("s")):
            try:
                documents = list(reader.read(item, Reading("s")))
            except Refused:
                continue
            raw = item.data().decode("utf-8", "replace")
            for document in documents:
                shown = rendered(document.text)
                found, marks = taken(document)
                lost, added = shown - found, found - shown
                counts.update(notes=1, words=shown.total(), lost=lost.total(), marks=marks)
                counts.update(added=added.total(), raw=len(raw))
                worst[item.name] += lost.total() + added.total()
                examples = extract_note(document, TAKE)
                for example in examples:
                    counts["answers"] += 1
                    counts["dangling"] += example.turns[-1].content.rstrip()[-1:] in (":", "：")
                    if example.kind != "qa":
                        missing = _missing(document, example, examples)
                        counts["missing"] += missing
                        counts["holes"] += missing > 0
        names = (
            "notes",
            "words",
            "lost",
            "added",
            "marks",
            "answers",
            "missing",
            "holes",
            "dangling",
        )
        widths = (6, 9, 7, 7, 6, 8, 8, 7, 9)
        figures = " ".join(
            f"{counts[name]:{width},}" for name, width in zip(names, widths, strict=True)
        )
        print(f"{Path(folder).name:28} {figures}   {time.process_time() - start:.1f} s")
        for name, number in worst.most_common(3):
            print(f"    {number:5} {name}")


if __name__ == "__main__":
    main()
