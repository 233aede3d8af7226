"""Which blocks of a note are its author's running text, and how answers are cut from them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from engine.extract.lexicon import fold, words
from engine.sources.blocks import Block

MIN_WORDS = 25
"""The fewest words of prose that make an answer."""

MAX_WORDS = 400
"""The most words of an answer; longer sections are split between paragraphs."""

_ITEM_WORDS = 6
_QUERY_FENCE = re.compile(
    r"^\s*(?:`{3,}|~{3,})\s*(?:dataview|dataviewjs|mermaid|query|tasks|base|button)\b"
)
_CLOCK = re.compile(r"^\W*\d{1,2}[:.h]\d{2}(?!\d)")
_POINTER = re.compile(
    r"\W*(?:see also|see|related|sources?|via|cf|from|read|full post|date|link|"
    r"siehe auch|siehe|quelle|vezi si|vezi|sursa)\b[^.!?]{0,120}:?",
)
_QUOTED = re.compile(
    r"^[\s\d.*+-]*[\"“„«][^\n]*[\"”“»][^\w\n]*"
    r"(?:\([^()\n]*\)|[—–-]\s*[^\n]{1,80})?\W*$"
)
_POINTER_WORDS = 14


@lru_cache(maxsize=8192)
def word_count(text: str) -> int:
    """Return how many words a text has; a block's text is counted several times on the way."""
    return len(words(text))


def is_kept(block: Block) -> bool:
    """Say whether a block may be part of an answer; tasks, tables, queries and pointers are not."""
    if block.kind in ("task", "table"):
        return False
    if block.kind == "code":
        return not (block.lines and _QUERY_FENCE.match(block.lines[0]))
    return not _is_pointer(block)


def _is_pointer(block: Block) -> bool:
    """Say whether a line only leads elsewhere: "See also: …", "Source: …", a bare address."""
    text = block.text
    if "http" in text and len(words(re.sub(r"https?://\S+", "", text))) < 3:
        return True
    short = block.kind == "prose" and word_count(text) <= _POINTER_WORDS
    match = _POINTER.fullmatch(fold(text)) if short else None
    # Without a colon these words may begin a sentence.
    return match is not None and (":" in text or "/" in text or len(words(text)) == 1)


def is_spoken(block: Block) -> bool:
    """Say whether a block is running text of the author's own.

    Paragraphs, callouts and items that are sentences are; lines of a log (they
    begin with a time of day) and other people's words in quotation marks are not.
    """
    if block.kind == "item" and word_count(block.text) < _ITEM_WORDS:
        return False
    if block.kind not in ("prose", "callout", "item"):
        return False
    return not _CLOCK.match(block.text) and not _QUOTED.match(block.text)


def prose_words(parts: Sequence[Block]) -> int:
    """Count the words of running text."""
    return sum(word_count(block.text) for block in parts if is_spoken(block))


def paragraph_words(parts: Sequence[Block]) -> int:
    """Count the words of running text that is no list."""
    return sum(
        word_count(block.text) for block in parts if block.kind != "item" and is_spoken(block)
    )


def is_own(parts: Sequence[Block]) -> bool:
    """Say whether running text of the author's own is the larger part of some blocks."""
    total = sum(word_count(part.text) for part in parts)
    clocked = sum(bool(_CLOCK.match(part.text)) for part in parts if part.kind == "item")
    return prose_words(parts) * 2 >= total and clocked * 2 <= max(len(parts), 1)


def split(parts: Sequence[Block]) -> list[tuple[Block, ...]]:
    """Split blocks into answers of at most :data:`MAX_WORDS` words, of about equal length."""
    pieces = [piece for part in parts for piece in _sentences(part)]
    counts = [word_count(piece.text) for piece in pieces]
    total = sum(counts)
    if total <= MAX_WORDS:
        return [tuple(pieces)]
    aim = total / math.ceil(total / MAX_WORDS)
    answers: list[list[Block]] = [[]]
    size = 0
    for piece, count in zip(pieces, counts, strict=True):
        if answers[-1] and (size + count > MAX_WORDS or size + count / 2 > aim):
            answers.append([])
            size = 0
        answers[-1].append(piece)
        size += count
    return [tuple(answer) for answer in answers if prose_words(answer) >= MIN_WORDS]


def _sentences(block: Block) -> list[Block]:
    """Split a paragraph that is too long for an answer between its sentences."""
    if block.kind == "code" or word_count(block.text) <= MAX_WORDS:
        return [block]
    pieces: list[Block] = []
    current: list[str] = []
    for sentence in _short_sentences(block.text):
        if current and len(words(" ".join([*current, sentence]))) > MAX_WORDS // 2:
            pieces.append(Block(block.kind, block.line, [" ".join(current)]))
            current = []
        current.append(sentence)
    pieces.append(Block(block.kind, block.line, [" ".join(current)]))
    return pieces


def _short_sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text; one that is too long for an answer comes in pieces."""
    for sentence in re.split(r"(?<=[.!?…])\s+", text):
        if word_count(sentence) <= MAX_WORDS // 2:
            yield sentence
            continue
        tokens = sentence.split()
        step = MAX_WORDS // 4
        yield from (" ".join(tokens[at : at + step]) for at in range(0, len(tokens), step))


def with_quotes(parts: Sequence[Block]) -> list[Block]:
    """Give quotations their marks back, which were ``>`` in the note; each gets one pair."""
    shown: list[Block] = []
    run: list[Block] = []
    for block in [*parts, None]:
        if block is not None and block.kind == "quote":
            run.append(block)
            continue
        if run:
            text = "\n".join(line for quote in run for line in quote.text.split("\n"))
            marked = text if text[0] in '"“„«' else f"“{text}”"
            shown.append(Block("prose", run[0].line, [marked]))
            run = []
        if block is not None:
            shown.append(block)
    return shown
