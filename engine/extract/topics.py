"""What a section is about, in words that fit into a question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from engine.extract.headings import is_generic, match_heading
from engine.extract.languages import languages
from engine.extract.letters import fold, word_set, words

_ARTICLE = word_set(
    """option options outcome outcomes result results consequences alternatives reason reasons
    rationale decision decisions choice choices lesson lessons background context situation problem
    question takeaway takeaways insights retrospective review thoughts pros cons trade-offs"""
)
_LOWER = word_set(
    """the a an my our your his her their its this that these those some any no one two three four
    five six seven eight nine ten eleven twelve on in at after before with without from for of by
    under over not when while if as between about against what why how where who which nobody
    nothing something somebody everything"""
)
_USUAL = word_set("same first last other next only way time day end thing things")
_SWAPS = {
    "i": "you", "i'm": "you're", "i've": "you've", "i'd": "you'd", "i'll": "you'll", "me": "you",
    "my": "your", "mine": "yours", "myself": "yourself",
}  # fmt: skip
_PERSON = re.compile(r"(?<!\w)(?:i|me|my|mine|myself|am|was)(?!\w)", re.IGNORECASE)
_IMPERATIVES = {
    "add": "adding", "adopt": "adopting", "allow": "allowing", "avoid": "avoiding",
    "build": "building", "buy": "buying", "change": "changing", "choose": "choosing",
    "create": "creating", "cut": "cutting", "drop": "dropping", "enable": "enabling",
    "hire": "hiring", "introduce": "introducing", "keep": "keeping", "leave": "leaving",
    "make": "making", "merge": "merging", "migrate": "migrating", "move": "moving",
    "publish": "publishing", "quit": "quitting", "record": "recording", "remove": "removing",
    "replace": "replacing", "rename": "renaming", "restrict": "restricting", "run": "running",
    "sell": "selling", "separate": "separating", "split": "splitting", "start": "starting",
    "stop": "stopping", "store": "storing", "support": "supporting", "switch": "switching",
    "take": "taking", "upgrade": "upgrading", "use": "using", "write": "writing",
}  # fmt: skip
_DATE_PREFIX = re.compile(r"^\W*\d{4}-\d{2}-\d{2}\W*")
_JOINED_WORDS = re.compile(r"\w[-_]\w+[-_]\w")
_JOINTS = re.compile(r"[-_]+")
_SIGNS_IN_FRONT = re.compile(r"^[^\w\"'“„«(]+")
_CLAUSE = re.compile(r"^(?:why|how|what|when|where|who|whom|whose|which|whether)\s+\S+\s+\S", re.I)
_DIRECT = re.compile(
    r"^(?:why|how|what|when|where|who|which)\s+(?:is|are|was|were|do|does|did|can|could|should|"
    r"would|will|has|have)\b",
    re.IGNORECASE,
)
_ASKING = re.compile(r"^(?:why|how|what|when|where|who|which)\s", re.IGNORECASE)
_PREPOSITION = re.compile(r"(?:in|of|to|from|for|on|at|with|log|notes)\b", re.IGNORECASE)
_SIGNS = 6
_SPOKEN = re.compile(r"^(?:i|i'm|i've|i'd|we|we're|we've)\s", re.IGNORECASE)


class Topic(NamedTuple):
    """A topic and the shape of question that it fits into.

    ``shape`` is "topic" (a noun phrase), "neutral" (a noun phrase that holds the
    kind itself: "the options after the rain"), "clause" ("why you said no"),
    "question", "statement" ("You said no"), or empty where nothing is known.
    """

    text: str
    shape: str


NOTHING = Topic("", "")


class _Patterns(NamedTuple):
    """What all languages know together of titles and headings."""

    kind: re.Pattern[str]
    connector: re.Pattern[str]
    date_words: frozenset[str]


@lru_cache(maxsize=1)
def _patterns() -> _Patterns:
    tables = list(languages().values())
    kinds = "|".join(sorted({re.escape(word) for table in tables for word in table.kinds}))
    words = {re.escape(word) for table in tables for word in table.prepositions}
    return _Patterns(
        kind=re.compile(
            rf"^(?:(?:{kinds})(?:[ _-](?:record|log))?[\s#_-]*\d{{0,8}}\s*[.:)_–—-]+"
            r"|#?\d{1,8}\s*[.:)_–—-]+)\s*",
            re.IGNORECASE,
        ),
        connector=re.compile(rf"^[\s:;,.–—-]*(?:(?:{'|'.join(sorted(words))})\s+)?", re.IGNORECASE),
        date_words=frozenset().union(*(table.date_words for table in tables)),
    )


@lru_cache(maxsize=32)
def _asks_indirectly(name: str) -> re.Pattern[str]:
    """Return the pattern of a folded heading that begins with a language's word of asking."""
    return re.compile(rf"(?:{languages()[name].asking or '(?!)'})\s")


@lru_cache(maxsize=4096)
def date_phrase(text: str, name: str) -> str:
    """Return a date with its preposition, such as "on 14 March 2025"; empty where it is none.

    Args:
        text: ``YYYY-MM-DD``, ``YYYY-Www`` or ``YYYY-MM``.
        name: The language's code.
    """
    table = languages()[name].dates
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
    return form.format(day=day.day, month=table.months[day.month - 1], year=day.year)


def is_direct(heading: str) -> bool:
    """Say whether an English heading is a direct question that may lack its mark: "What is X"."""
    return _DIRECT.match(heading) is not None


@lru_cache(maxsize=8192)
def is_date_like(title: str) -> bool:
    """Say whether a title is only a date, or a name of days and weeks."""
    return all(word in _patterns().date_words for word in words(fold(title)))


@lru_cache(maxsize=8192)
def clean_title(title: str) -> str:
    """Return a title without the number, date or kind in front, dashes for spaces turned back.

    A title that says nothing about the subject is returned empty.
    """
    text = _DATE_PREFIX.sub("", title.strip(), count=1)
    text = _patterns().kind.sub("", text, count=1) or text
    if " " not in text and _JOINED_WORDS.search(text):
        text = _JOINTS.sub(" ", text)
    text = text.strip(' .:–—-_"“”')[:120]
    return "" if is_date_like(text) or is_generic(text) else text


def find_topic(heading: str, title: str, when: str, name: str, text: str) -> Topic:
    """Return what a section is about.

    Args:
        heading: The section's heading, or empty.
        title: Its note's title as :func:`clean_title` returns it.
        when: The note's date as a phrase.
        name: The language's code.
        text: The section's text.
    """
    if not heading[:1].isalnum():
        heading = _SIGNS_IN_FRONT.sub("", heading)
    heading = heading.strip(" .:!")
    match = match_heading(heading)
    rest = match.rest if match else heading
    if name == "en" and _CLAUSE.match(heading):
        return _clause(heading, "" if rest else title, "" if rest else when, text)
    if name == "en" and _ASKING.match(heading) and len(heading.split()) == 2:
        return Topic(f"{heading} ({title})" if title else heading, "question")
    subject = _patterns().connector.sub("", rest, count=1)
    if match is not None and match.connected and subject:
        if subject == rest and not _ends_the_kind(heading, rest):
            return _neutral(heading, name)
        if name == "en" and _CLAUSE.match(subject):
            return _clause(subject, "", "", text)
        heading = subject
    elif match is not None and rest:
        if match.rule.strong or match.rule.group != "reflection":
            return _neutral(heading, name)
    elif match is not None:
        heading = ""
    if heading and title and is_date_like(heading):
        return Topic(f"{phrase(title, name, text)} ({heading})", "topic")
    if not heading or is_generic(heading) or is_date_like(heading):
        if name == "en" and _CLAUSE.match(title):
            return _clause(title, "", "", text)
        return Topic(phrase(title, name, text), "topic") if title else NOTHING
    if name != "en":
        return Topic(heading, "clause" if _asks_indirectly(name).match(fold(heading)) else "topic")
    if _SPOKEN.match(heading.replace("’", "'")):
        statement = swap(heading)
        return Topic(statement[:1].upper() + statement[1:], "statement")
    shown = phrase(heading, name, text)
    if (
        title
        and heading.count(" ") <= _SIGNS
        and len(words(heading)) <= 2
        and fold(heading) not in fold(title)
    ):
        shown = f"{shown} ({title})"
    return Topic(shown, "topic")


def _ends_the_kind(heading: str, rest: str) -> bool:
    """Say whether a colon or dash stands between the kind and the subject."""
    return heading[: len(heading) - len(rest)].rstrip().endswith((":", "–", "—", "-", "."))


def _neutral(heading: str, name: str) -> Topic:
    if name != "en":
        return Topic(heading, "clause" if _asks_indirectly(name).match(fold(heading)) else "topic")
    swapped = swap(heading)
    first, space, rest = swapped.partition(" ")
    article = "the " if first.rstrip(",;").lower() in _ARTICLE else ""
    return Topic(f"{article}{first.lower()}{space}{rest}", "neutral")


def _clause(heading: str, title: str, when: str, text: str) -> Topic:
    """Return a heading that is an indirect question in English.

    A short one that every week asks, such as "What went well", gets the note's
    title or date, so that the questions differ.
    """
    clause = swap(heading)
    clause = clause[:1].lower() + clause[1:]
    if len(words(heading)) <= 5 and (title or when):
        clause += f" about {phrase(title, 'en', text)}" if title else f" {when}"
    return Topic(clause, "question" if _DIRECT.match(heading) else "clause")


def swap(text: str) -> str:
    """Turn an English phrase round from the writer to the one who asks: "my" becomes "your"."""
    text = text.replace("’", "'")
    if not _PERSON.search(text):
        return text
    written = text.split(" ")
    bare = [word.strip(".,;:!?()\"'").lower() for word in written]
    turned: list[str] = []
    for index, word in enumerate(written):
        swapped = _SWAPS.get(bare[index])
        if bare[index] in ("am", "was"):
            # "I am", "was I": the verb goes with its pronoun; other ones stay.
            beside = (*bare[max(index - 1, 0) : index], *bare[index + 1 : index + 2])
            swapped = {"am": "are", "was": "were"}[bare[index]] if "i" in beside else None
        if swapped is not None:
            at = word.lower().index(bare[index])
            word = word[:at] + swapped + word[at + len(bare[index]) :]
        turned.append(word)
    return " ".join(turned)


def phrase(text: str, name: str, content: str) -> str:
    """Return a heading or title as it reads inside a sentence.

    Args:
        text: The heading or title.
        name: The language; in English the first word loses its capital unless it is a
            name, "my" becomes "your", and a command a gerund ("Use Redis", "using Redis").
        content: The section's text, which shows how the first word is written inside
            a sentence.
    """
    text = _patterns().connector.sub("", text, count=1).strip() or text
    if name == "en":
        text = swap(text)
    first, _, rest = text.partition(" ")
    if name != "en" or not rest:
        return text
    lower = first.lower()
    if first[:1].isupper() and lower in _IMPERATIVES and not _PREPOSITION.match(rest):
        return f"{_IMPERATIVES[lower]} {rest}"
    if lower in _LOWER:
        return f"{lower} {rest}"
    ordinary = first[1:].islower() and not rest[:1].isupper()
    gerund = lower.endswith("ing") and len(lower) > 5
    if ordinary and (gerund or _stands_inside(lower, content)):
        return f"{lower} {rest}"
    return text


def _stands_inside(word: str, text: str) -> bool:
    """Say whether a word stands somewhere in a text, but not where a sentence begins."""
    at = text.find(word, 1)
    while at > 0:
        behind = text[at + len(word) : at + len(word) + 1]
        apart = not (_is_letter(text[at - 1]) or _is_letter(behind))
        if apart and text[max(at - 2, 0) : at] not in (". ", "! ", "? "):
            return True
        at = text.find(word, at + 1)
    return False


def _is_letter(character: str) -> bool:
    return character.isalnum() or character == "_"


def about(links: Sequence[str], name: str, text: str) -> str:
    """Return one or two names or things that a text is about, or nothing.

    Args:
        links: The names of the notes that it links to.
        name: The language.
        text: The text.
    """
    found = [link for link in links if not is_date_like(link) and len(link) <= 40][:2]
    if len(found) < 2:
        found += _terms(name, text)
    picked: list[str] = []
    for term in found:
        if not any(fold(term) in fold(other) or fold(other) in fold(term) for other in picked):
            picked.append(term)
    return languages()[name].conjunction.join(picked[:2])


_NAMES = re.compile(r"(?<=[a-z,] )([A-Z][a-z]{2,})\b")


def _terms(name: str, text: str) -> list[str]:
    """Return things that a text names at least twice, the commonest first."""
    counts: dict[str, int] = {}
    shown: dict[str, str] = {}
    terms = languages()[name].terms
    for match in terms.finditer(text) if terms else ():
        counts[match[2]] = counts.get(match[2], 0) + 1
        article = "your" if match[1] in ("my", "our") else match[1]
        shown.setdefault(match[2], f"{article} {match[2]}".strip())
    for word in _NAMES.findall(text) if name == "en" else []:
        if fold(word) not in _patterns().date_words:
            counts[word] = counts.get(word, 0) + 1
            shown[word] = word
    often = (term for term, count in counts.items() if count > 1 and term not in _USUAL)
    return [shown[term] for term in sorted(often, key=lambda term: (-counts[term], term))[:3]]
