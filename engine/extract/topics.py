"""Titles and headings as they can stand in a question: whole, without numbers and marks."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from engine.extract.headings import is_generic
from engine.extract.languages import Asking, languages
from engine.extract.letters import apart, fold, length, words

_DAY = (
    r"(?<!\d)(?:\d{4}([-./])\d{1,2}\1\d{1,2}|\d{1,2}([./])\d{1,2}\2(?:19|20)\d\d"
    r"|\d{4}\s?年\s?\d{1,2}\s?月\s?\d{1,2}\s?[日号])(?!\d)"
)
_DATE_IN_FRONT = re.compile(rf"^\W*{_DAY}(?:[T ]\d{{2}}[:.h-]?\d{{2}})?\W*")
_DATE_BEHIND = re.compile(rf"[\s,:_–—-]*[(\[（【]?{_DAY}[)\]）】]?\W*$")
_STAMP = re.compile(r"^\d{8}(?:\d{4}(?:\d\d)?)?(?:[\s_-]+|$)")
_JOINED_WORDS = re.compile(r"\w[-_]\w+[-_]\w")
_JOINTS = re.compile(r"[-_]+")
_ATTRIBUTES = re.compile(r"\s*\{\s*(?:[.#:][^{}\n]*|[\w-]+\s*=[^{}\n]*|-)\}")
_TAG = re.compile(r"(?<!\S)#(?=[\w/-]*[^\W\d])[\w/-]+")
_SHORTCODE = re.compile(r"(?<!\w):(?=[a-z0-9+-]*[a-z])[a-z0-9_+-]{2,30}:(?!\w)")
_NUMBER_IN_FRONT = re.compile(
    r"^(?!(?:19|20)\d\d:)(?:[#§]?\s?\d{1,4}(?:\.\d{1,3}){0,4}[.)、:]\s+"
    r"|\(\d{1,3}\)\s*|\d{1,3}、|0\d{1,6}[\s_–—-]+"
    r"|#\d{1,8}\s*[.:)_–—-]+\s*|\d{1,4}\s+[–—-]\s+|\d{1,3}(?:\.\d{1,3}){1,4}\s+(?=[^\W\da-z])"
    r"|[IVX]{2,5}\.\s+|[a-zA-Z]\)\s+)(?=\S)"
)
_BROKEN = re.compile(r"\w+://|\[\[|\]\]|[<>\x00-\x1f\ufffd]|!\[|\]\(")
_LINK = re.compile(r"(?<!!)\[([^\[\]]*)\]\([^()\s]*\)|\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]")
_CHANGE = re.compile(
    r"^(?:feat|fix|chore|docs?|refactor|style|test|perf|build|ci|revert)(?:\([^()]*\))?!?:\s+(?=\S)"
)
_ASIDE = re.compile(r"\s+[(\[]([^()\[\]]*\b(?:19|20)\d\d\b[^()\[\]]*)[)\]]$")
_BOX = re.compile(r"^\[[ xX]?\]\s*(?=\S)")
_MARKS = re.compile(r"([?？])[?？]+$")
_GOES_ON = re.compile(r"[。！？；](?=.)|.{6}，.{6}|，.*，|[^\W\d_]{4}[.!?]\s+(?=[^\W\d_])")
_VERSION = re.compile(r"^(?:\w+\s+)?[vV]?\d+(?:\.\d+)+$")
_LONGEST_NAME = 20
_CUT = ("…", "...")
_LONGEST = 100
_NAMELESS = re.compile(
    r"(?:untitled|unbenannt|fara titlu|sans titre|new (?:note|page|file|document)|readme|index|"
    r"inbox|drafts?|tmp|temp|scratch|test|todo|welcome|about|now|home|faq|changelog|license)[\W\d]*$"
)
_NUMBERED = re.compile(r"^\S+ #?(?:\d{1,4}|[IVX]{1,5})(?=\W|$)")
_NO_PROSE = re.compile(r"[`{}=$\\|*/~^]|\(\)|[^\W\d]\.[^\W\d]")
_ENDED = re.compile(r"[.!?;。！？；…](?:\s|$)")
_MOST_WORDS = 8
_QUOTE = re.compile(r'["“”„«»]')
_PICTURES = frozenset(("So", "Sk", "Cf", "Co", "Cs", "Cn"))
_SIGNS = frozenset("©®™°\u200c\u200d^´")
_DIRECT = re.compile(
    r"^(?:why|how|what|when|where|who|which)\s+(?:is|are|was|were|do|does|did|can|could|should|"
    r"would|will|has|have)\b",
    re.IGNORECASE,
)


class _Patterns(NamedTuple):
    """What all languages know together of titles."""

    kind: re.Pattern[str]
    date_words: frozenset[str]


@lru_cache(maxsize=1)
def _patterns() -> _Patterns:
    tables = list(languages().values())
    kinds = "|".join(sorted({re.escape(word) for table in tables for word in table.kinds}))
    return _Patterns(
        kind=re.compile(
            rf"^(?:{kinds})(?:[ _-](?:record|log))?"
            r"(?:[\s#_-]*\d{1,8}\s*[.:)_–—-]+\s*|\s*[:.]\s+|\s+[–—-]+\s+)(?=\S)",
            re.IGNORECASE,
        ),
        date_words=frozenset().union(*(table.date_words for table in tables)),
    )


@lru_cache(maxsize=4096)
def date_phrase(text: str, name: str) -> str:
    """Return a date with its preposition, such as "on 14 March 2025"; empty where it is none.

    Args:
        text: ``YYYY-MM-DD``, ``YYYY-Www`` or ``YYYY-MM``.
        name: The language's code; without a table, the date is in English.
    """
    table = languages()[name if name in languages() else "en"].dates
    try:
        if week := re.fullmatch(r"(\d{4})-W(\d{2})", text):
            day = date.fromisocalendar(int(week[1]), int(week[2]), 1)
            form = table.week
        elif month := re.fullmatch(r"(\d{4})-(\d{2})", text):
            day = date(int(month[1]), int(month[2]), 1)
            form = table.month
        else:
            day = date.fromisoformat(text)
            form = table.day
    except ValueError:
        return ""
    return form.format(
        day=table.first if day.day == 1 and table.first else day.day,
        month=table.months[day.month - 1],
        year=day.year,
    )


def is_direct(heading: str) -> bool:
    """Say whether an English heading is a direct question that may lack its mark: "What is X"."""
    return _DIRECT.match(heading) is not None


@lru_cache(maxsize=8192)
def is_date_like(title: str) -> bool:
    """Say whether a title is only a date, or a name of days and weeks."""
    return all(word in _patterns().date_words for word in words(fold(title)))


@lru_cache(maxsize=8192)
def clean_title(title: str) -> str:
    """Return a note's title as :func:`note_title` does; empty where it names no subject."""
    text = note_title(title)
    return "" if is_generic(text) or _NAMELESS.match(fold(text)) else text


@lru_cache(maxsize=8192)
def note_title(title: str) -> str:
    """Return a note's title as it can be quoted; empty where it is only a date.

    Left out are numbers, dates and kinds in front, attributes, tags and pictures; dashes for
    spaces become spaces. What is left is the whole title: one that was cut, that is too
    long for a sentence or that holds an address is returned empty.
    """
    text = _CHANGE.sub("", title.strip(), count=1)
    text = without_label(clean_heading(without_label(text)))
    if " " not in text and _JOINED_WORDS.search(text):
        text = _JOINTS.sub(" ", text)
    return "" if is_date_like(text) else text


def without_label(text: str) -> str:
    """Return a title without a box to tick or a kind in front: "ADR-7:", "FAQ:", "Step 3:"."""
    return _patterns().kind.sub("", _BOX.sub("", text, count=1), count=1)


@lru_cache(maxsize=8192)
def is_name(heading: str) -> bool:
    """Say whether a heading can be named as a section: no sentences in a row, no version."""
    text = clean_heading(heading)
    if not text or _GOES_ON.search(text) or _VERSION.match(text):
        return False
    return length(text) <= _LONGEST_NAME


def is_version(title: str) -> bool:
    """Say whether a title is only a number of a version: "Version 2.0.0"."""
    return _VERSION.match(title) is not None


@lru_cache(maxsize=8192)
def clean_heading(heading: str) -> str:
    """Return a heading as it can be quoted, as :func:`clean_title` does, whatever it says."""
    text = without_marks(heading)
    if text.endswith(_CUT) or _BROKEN.search(text):
        return ""
    if not is_date_like(text):
        text = _DATE_IN_FRONT.sub("", text, count=1)
        text = _DATE_BEHIND.sub("", text, count=1)
        text = _STAMP.sub("", text, count=1)
        aside = _ASIDE.search(text)
        if aside and is_date_like(aside[1]):
            text = text[: aside.start()]
    text = _NUMBER_IN_FRONT.sub("", _BOX.sub("", text, count=1), count=1) or text
    text = _MARKS.sub(itemgetter(1), text)
    text = text.strip(" .:–—-_*：。，、；¹²³⁴⁵⁶⁷⁸⁹⁰")
    if len(text) > 1 and text[0] in '"“„«' and text[-1] in '"”“»':
        inside = text[1:-1]
        text = text if _QUOTE.search(inside) else inside.strip()
    return text if len(text) <= _LONGEST and any(map(str.isalnum, text)) else ""


@lru_cache(maxsize=8192)
def without_marks(title: str) -> str:
    """Return a title without attributes, tags, pictures and marks of code; a link is its text."""
    text = _LINK.sub(lambda link: link[1] or link[2] or "", title) if "[" in title else title
    text = _SHORTCODE.sub(" ", _TAG.sub(" ", _ATTRIBUTES.sub("", text))).replace("`", "")
    if not text.isascii():
        text = "".join(map(_without_picture, text))
    return " ".join(text.split())


def _without_picture(character: str) -> str:
    if character.isalnum() or character in _SIGNS:
        return character
    return (
        "" if unicodedata.category(character) in _PICTURES or character == "\ufe0f" else character
    )


def names_a_thing(title: str, asking: Asking) -> bool:
    """Say whether a title can stand behind "about": no sentence, command or clause, no number.

    What can't be told from its words is taken for a name, since it stands in quotation marks.
    """
    if (
        title[0].isdigit()
        or _NO_PROSE.search(title)
        or _ENDED.search(title)
        or _NUMBERED.match(title)
    ):
        return False
    if is_generic(title) or is_date_like(title):
        return False
    found = split_words(title)
    if not found or length(title) > _MOST_WORDS:
        return False
    if found[0] in asking.not_first or (
        len(found) > 1 and found[1] in asking.articles and not found[0].endswith("ing")
    ):
        return False
    return asking.not_nouns.isdisjoint(found)


def split_words(text: str) -> list[str]:
    """Return the folded words of a title; "what's" is two, each Chinese character is one."""
    return [part for word in words(apart(fold(text))) for part in word.split("'") if part]
