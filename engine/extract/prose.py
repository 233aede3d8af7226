"""Which blocks of a note are its author's running text, and how answers are cut from them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from engine.extract.languages import languages
from engine.extract.letters import apart, count_words, fold, length, letters
from engine.sources.blocks import ASIDE, GAP, Block, announces

MIN_WORDS = 25
"""The fewest words of prose that make an answer."""

MAX_WORDS = 400
"""The most words of an answer; longer sections are split between paragraphs."""

_ITEM_WORDS = 6
_QUERY_FENCE = re.compile(
    r"^\s*(?:`{3,}|~{3,})\s*(?:dataview|dataviewjs|mermaid|query|tasks|base|button)\b"
)
_CLOCK = re.compile(r"^\W*\d{1,2}[:.h]\d{2}(?!\d)")
_RUNNING = frozenset({"prose", "callout", "item"})
_ADDRESS = re.compile(r"https?://\S+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])\s*")
_UNSPACED_END = ("。", "！", "？")
_CHUNK = 150
_QUOTED = re.compile(
    r"^[\s\d.*+-]*[\"“„«][^\n]*[\"”“»][^\w\n]*"
    r"(?:\([^()\n]*\)|[—–-]\s*[^\n]{1,80})?\W*$"
)
_POINTER_WORDS = 14


@lru_cache(maxsize=1)
def _pointer() -> re.Pattern[str]:
    found = {re.escape(phrase) for table in languages().values() for phrase in table.pointers}
    return re.compile(rf"\W*(?:{'|'.join(sorted(found, reverse=True))})\b[^.!?]{{0,120}}:?")


@lru_cache(maxsize=1)
def _pointer_words() -> frozenset[str]:
    """Return the first words of what only leads elsewhere."""
    tables = languages().values()
    return frozenset(apart(phrase).split()[0] for table in tables for phrase in table.pointers)


@lru_cache(maxsize=1)
def see_words() -> frozenset[str]:
    """Return the words that mean "see", in any language."""
    return frozenset().union(*(table.see for table in languages().values()))


def measure(parts: Sequence[Block]) -> None:
    """Count the words of some blocks, and those of them that are the author's running text."""
    if not parts:
        return
    texts = [block.text for block in parts]
    addresses = "http" in "\n".join(texts)
    lettered = letters(texts)
    for block, folded, count in zip(parts, lettered, count_words(lettered), strict=True):
        block.letters = folded
        block.words = count
        if count <= _POINTER_WORDS or addresses or block.kind == "code":
            block.kept = _is_kept(block)
        kind = block.kind
        text = block.text
        # What begins with a letter is neither a line of a log nor a quotation.
        if kind not in _RUNNING:
            continue
        is_item = kind == "item"
        short = is_item and count < _ITEM_WORDS
        if (text[2:3] if is_item else text[:1]).isalpha():
            if not short:
                block.spoken = count
            continue
        block.logged = _CLOCK.match(text) is not None
        if not short and not block.logged and not _QUOTED.match(text):
            block.spoken = count


def _is_kept(block: Block) -> bool:
    """Say whether a block may be part of an answer; queries, pointers and gaps are not."""
    if block.kind in ASIDE or block.kind == GAP:
        return block.kind != GAP
    if block.kind == "code":
        return not (block.lines and _QUERY_FENCE.match(block.lines[0]))
    if block.words > _POINTER_WORDS:
        return "http" not in block.text or not _is_address(block.text)
    return not _is_pointer(block)


def _is_address(text: str) -> bool:
    return length(_ADDRESS.sub("", text)) < 3


def _is_pointer(block: Block) -> bool:
    """Say whether a line only leads elsewhere: "See also: …", "Source: …", a bare address."""
    text = block.text
    if "http" in text and _is_address(text):
        return True
    if block.kind != "prose" or not block.words:
        return False
    if block.letters.split(None, 1)[0].partition("-")[0] not in _pointer_words():
        return False
    # Without a colon these words may begin a sentence.
    leads = ":" in text or "/" in text or block.words == 1
    return leads and _pointer().fullmatch(fold(text)) is not None


def prose_words(parts: Sequence[Block]) -> int:
    """Count the words of running text in measured blocks."""
    return sum([block.spoken for block in parts])


def split(parts: Sequence[Block]) -> list[tuple[Block, ...]]:
    """Split blocks into answers of at most :data:`MAX_WORDS` words, of about equal length."""
    if sum([part.words for part in parts]) <= MAX_WORDS:
        return [tuple(parts)]
    pieces = [piece for part in parts for piece in _sentences(part)]
    measure(pieces)
    counts = [piece.words for piece in pieces]
    total = sum(counts)
    aim = total / math.ceil(total / MAX_WORDS)
    answers: list[list[Block]] = [[]]
    size = 0
    for piece, count in zip(pieces, counts, strict=True):
        if answers[-1] and (size + count > MAX_WORDS or size + count / 2 > aim):
            # What announces the next block goes with it.
            leads = len(answers[-1]) > 1 and announces(answers[-1][-1].text)
            answers.append([answers[-1].pop()] if leads else [])
            size = sum([block.words for block in answers[-1]])
        answers[-1].append(piece)
        size += count
    return [tuple(answer) for answer in answers if prose_words(answer) >= MIN_WORDS]


def _sentences(block: Block) -> list[Block]:
    """Split a paragraph that is too long for an answer between its sentences."""
    if block.kind == "code" or block.words <= MAX_WORDS:
        return [block]
    pieces: list[Block] = []
    current = ""
    for sentence in _short_sentences(block.text):
        if current and length(current + sentence) > MAX_WORDS // 2:
            pieces.append(Block(block.kind, block.line, [current.rstrip()]))
            current = ""
        current += sentence
    pieces.append(Block(block.kind, block.line, [current.rstrip()]))
    return pieces


def _short_sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text, each with the space behind it; too long ones in pieces."""
    for sentence in _SENTENCE_END.split(text):
        end = "" if sentence.endswith(_UNSPACED_END) else " "
        if length(sentence) <= MAX_WORDS // 2:
            yield sentence + end
            continue
        tokens = sentence.split()
        step = MAX_WORDS // 4
        if len(tokens) >= step:
            yield from (
                " ".join(tokens[at : at + step]) + " " for at in range(0, len(tokens), step)
            )
            continue
        yield from (sentence[at : at + _CHUNK] for at in range(0, len(sentence), _CHUNK))


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
