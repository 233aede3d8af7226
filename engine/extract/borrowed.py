"""Sections whose words are somebody else's, or made up, by what stands around and in them.

An excerpt, a song or a chapter of a novel says "I" as a diary does. What tells it is its label, the
source that it ends in, who is said to speak. Such a section is no thought for
its wording alone; a tag or a heading that says so still makes it one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from engine.extract.languages import languages
from engine.extract.letters import apart, fold, length, letters
from engine.extract.lexicon import first_person
from engine.sources.blocks import Block

_SOURCE_WORDS = 12
_NAME_WORDS = 5
_LEAD_WORDS = 8
_TYPE_KEYS = ("type", "category", "kind", "medium")
_LINK = re.compile(
    r"\[\[[^\[\]\n]+\]\]|\[(?:[^\[\]\n]|\[[^\[\]\n]*\])+\]\(\s*<?https?://[^\s()]*(?:\([^\s()]*\)[^\s()]*)*\)"
)
_SET_OFF = re.compile(
    r"(?P<mark>[*_])(?![*_\s])[^*_\n]+(?P=mark)|\"[^\"\n]+\"|“[^”\n]+”|„[^“”\n]+[“”]|«[^»\n]+»|»[^«\n]+«"
    r"|《[^》\n]+》|「[^」\n]+」|『[^』\n]+』|\([^()\n]+\)|（[^（）\n]+）"
)
_ENDED = re.compile(r"[.!?…:;,。！？：；]$")
_SENTENCE = re.compile(r"[.!?…。！？][\"'”“»«)\]*_]*$")
_WORD = re.compile(r"[^\W\d_][\w'’.-]*")
_PARTICLE = 3
_OF = re.compile(r"\s(?:by|of|von|de|di|do|da|van|door|par|por)\s")
_SPEAKER = re.compile(
    r"^\s*(?:[-*+>]\s+)?(?:\*\*)?([^\W\d_a-z][^:：*\n.!?]{0,30}?)(?:[:：]\*\*|\*\*[:：]|[:：])\s*\S"
)
_FULL_NAME = re.compile(r"[^\W\d_a-z][\w'’-]+ [^\W\d_a-z][\w'’-]+")
_SPEECH = re.compile(r"^\s*(?:[–—]|-{3})?\s*[\"“„»«][^\W\d_]|^\s*(?:—|–|―|-{2,3})\s*[^\W\d_]")
_SPEECHES = 3
_LINKED = re.compile(r"https?://[^\s)>\]\"]+|\[\[")
_LINK_ALONE = re.compile(
    r"(?:[-*+>]\s+)*(?:[^\W_]+:\s*)?(?:<a\b[^>]*>[^\n]*</a>|<(?:blockquote|iframe)\b.*|https?://\S+"
    r"|!?\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\]\([^()\s]*\))[\s.]*"
)
_FEWEST_ALONE, _FEWEST_LINKED, _FEWEST_BLANKS = 5, 6, 3
_ALONE_SHARE, _LINKED_SHARE, _LINKS_OF_WORDS = 0.4, 0.75, 0.08
_BLANKS = re.compile(r"_{3,}(?!\w)")
_BLOCKQUOTE = re.compile(r"<blockquote\b.*?(?:</blockquote>|\Z)", re.DOTALL)
_SIGNS = ' \t.-_*:#“”"'
_NUMBERS = f"{_SIGNS}0123456789"
_WIDE = re.compile("[\u3400-\u9fff]")


def is_labelled(names: Iterable[str]) -> bool:
    """Say whether one of some headings, tags or folders says that somebody else wrote the text.

    It does where it begins or ends with such a word and nobody speaks of themselves in it.
    """
    return any(_is_label(name) for name in names)


def kind_of(metadata: Mapping[str, str]) -> list[str]:
    """Return what a note's frontmatter says that it is."""
    return [metadata[key] for key in _TYPE_KEYS if key in metadata]


@lru_cache(maxsize=8192)
def _is_label(name: str) -> bool:
    folded = fold(name).lstrip(_NUMBERS).strip(_SIGNS)
    found = _labels().search(folded) if folded else None
    if found is None:
        return False
    return not first_person(letters((f"{folded[: found.start()]} {folded[found.end() :]}",))[0])


@lru_cache(maxsize=1)
def _labels() -> re.Pattern[str]:
    tables = [table.others for table in languages().values() if table.others]
    spaced = "|".join(words for words in tables if not _WIDE.search(words))
    unspaced = "|".join(words for words in tables if _WIDE.search(words)) or "(?!)"
    return re.compile(
        rf"^(?:{spaced})(?![\w'])|(?<![\w'])(?:{spaced})$|^(?:{unspaced})|(?:{unspaced})$"
    )


def is_borrowed(blocks: Sequence[Block], lines: Sequence[str], offset: int) -> bool:
    """Say whether a section's text itself shows that its words are not its writer's own.

    Args:
        blocks: What the section says.
        lines: The lines that it comes from, with their marks.
        offset: The index of the first of these lines.
    """
    prose = [block for block in blocks if block.kind == "prose"]
    if not prose:
        return False
    if _ends_in_source(prose[-1], lines, offset) or _leads_in(prose[0]):
        return True
    text = "\n".join(lines)
    if "<blockquote" in text and len(_BLOCKQUOTE.sub("", text)) * 2 < len(text):
        return True
    raw = [line.strip() for line in lines if line.strip()]
    return _is_dialogue(raw) or _is_form(raw)


def is_collected(lines: Sequence[str]) -> bool:
    """Say whether a text is a collection of what others made, with a remark on each.

    Links or embedded posts stand on lines of their own, or nearly each line has one and few words.
    """
    lines = [line.strip() for line in lines if line.strip()]
    alone = sum(_LINK_ALONE.fullmatch(line) is not None for line in lines)
    if alone >= max(_FEWEST_ALONE, _ALONE_SHARE * len(lines)):
        return True
    linked = [line for line in lines if "http" in line or "[[" in line]
    if len(linked) < max(_FEWEST_LINKED, _LINKED_SHARE * len(lines)):
        return False
    links = sum(len(_LINKED.findall(line)) for line in linked)
    return links >= _LINKS_OF_WORDS * length(_LINKED.sub(" ", " ".join(lines)))


def _is_form(lines: Sequence[str]) -> bool:
    """Say whether a text has blanks to fill in."""
    blanks = [_BLANKS.findall(line) for line in lines if line.strip("_ ")]
    return sum(map(len, blanks)) >= _FEWEST_BLANKS


def _ends_in_source(last: Block, lines: Sequence[str], offset: int) -> bool:
    at = last.line - offset
    raw = [line.strip() for line in lines[at : at + max(len(last.lines), 1)] if line.strip()]
    if not raw or (len(raw) > 1 and not _SENTENCE.search(raw[-2])):
        return False
    return _is_source(raw[-1])


def _is_source(line: str) -> bool:
    """Say whether a line is nothing but the name of a book, a page or a person."""
    bare = line.removesuffix("\\").strip(" -–—~")
    if not 0 < length(bare) <= _SOURCE_WORDS * 2:
        return False
    if _LINK.fullmatch(bare):
        return _begins_name(bare)
    set_off = _SET_OFF.fullmatch(bare)
    if set_off:
        inner = bare[1:-1].strip()
        return (
            length(inner) <= _SOURCE_WORDS and _begins_name(inner) and not _SENTENCE.search(inner)
        )
    if _is_signed_work(bare):
        return True
    if _ENDED.search(bare) or length(bare) > _SOURCE_WORDS:
        return False
    label = _cited().match(fold(bare))
    if label:
        rest = bare[label.end() :].strip()
        return bool(rest) and (_LINK.fullmatch(rest) is not None or _begins_name(rest))
    marked = _SET_OFF.search(bare)
    if marked and marked.start() and marked.end() == len(bare) and "[" not in bare:
        # "Henry David Thoreau, «Walden»"
        return _is_name(bare[: marked.start()].strip(" ,:–—-"), fewest=1)
    return _is_name(bare, fewest=2)


def _is_signed_work(line: str) -> bool:
    """Say whether a line names a work and who it is by: "Autobiography of Henry D Thoreau."."""
    work, name = _OF.split(line.removesuffix("."), maxsplit=1) if _OF.search(line) else ("", "")
    return (
        length(work) == 1
        and _begins_name(work)
        and all(word[:1].isupper() for word in name.split())
        and _is_name(name, fewest=2)
    )


def _begins_name(text: str) -> bool:
    first = text.lstrip('[*_"“„«»《「(')[:1]
    return first.isalnum() and not first.islower()


def _is_name(text: str, *, fewest: int) -> bool:
    """Say whether each longer word of a text begins with a capital: "Thoreau, Walden"."""
    found = _WORD.findall(text)
    if (
        "[" in text
        or first_person(letters((text,))[0])
        or not fewest <= len(found) <= _NAME_WORDS
        or not found[0][0].isupper()
    ):
        return False
    named = [word for word in found if word[0].isupper()]
    return len(named) >= fewest and all(
        word[0].isupper() or len(word) <= _PARTICLE for word in found
    )


@lru_cache(maxsize=1)
def _cited() -> re.Pattern[str]:
    phrases = {re.escape(word) for table in languages().values() for word in table.cited}
    found = "|".join(sorted(phrases, key=len, reverse=True))
    return re.compile(rf"(?:{found})(?:\s*[:：]\s*|\s+|(?=[《「]))")


def _leads_in(first: Block) -> bool:
    """Say whether a text begins as "Thoreau writes:" does."""
    line = first.text.split("\n", 1)[0].rstrip("*_ ")
    if line[-1:] not in ":：" or not line[:1].isalpha() or length(line) > _LEAD_WORDS:
        return False
    lettered = letters((line,))[0]
    said = f" {' '.join(apart(lettered).split())} "
    return any(f" {word} " in said for word in _saying()) and not first_person(lettered)


@lru_cache(maxsize=1)
def _saying() -> frozenset[str]:
    return frozenset(word for table in languages().values() for word in table.saying)


def _is_dialogue(lines: Sequence[str]) -> bool:
    """Say whether two or more people speak in turns, or speech is told as in a story."""
    names = [match[1].strip() for line in lines if (match := _SPEAKER.match(line))]
    counts = Counter(names)
    if len(counts) > 1:
        if sum(count > 1 for count in counts.values()) > 1:
            return True
        if len(names) == len(lines) and all(_FULL_NAME.fullmatch(name) for name in counts):
            return True
    spoken = sum(_SPEECH.match(line) is not None for line in lines)
    return spoken >= _SPEECHES and spoken * 2 >= len(lines)
