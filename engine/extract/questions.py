"""The user's turn: a plain question that the section answers, in varied words.

It is built from the heading, the note's title and its date alone, and each of them is used
whole, in quotation marks, or not at all: what a text is about is not guessed from its words. The
wording is chosen by the hash of the section's text, so that the same note always gets the same
question.
``docs/questions.md`` has the rules, and how the questions were judged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import count, islice
from operator import itemgetter
from typing import NamedTuple

from engine.extract.headings import HeadingMatch, is_generic, match_heading
from engine.extract.languages import Asking, languages
from engine.extract.letters import fold
from engine.extract.lexicon import KINDS
from engine.extract.telling import is_worded_in
from engine.extract.topics import (
    clean_heading,
    clean_title,
    date_phrase,
    is_date_like,
    is_direct,
    is_name,
    is_version,
    names_a_thing,
    note_title,
    split_words,
    without_label,
    without_marks,
)
from engine.sources.dates import date_in

_DIRECT_WORDS = 3
_FEW_WORDS = 2
_KIND_WORDS = 2
_PERSONAL = 0.02
_NAMED = 2
_NEUTRAL = 12
_DOUBLED = re.compile(r"([?!.？！。])[.?。？](?=$|\s)")
_MARK_INSIDE = re.compile(r"(\?”)[.?](?=$|\s)")
_ASKING_MARKS = ("?", "？", "¿", "؟")
_MARK_BEFORE = re.compile(r"[?？](?=.*\w)|[?？]\W*[:–—-]")
_BRACKETS = (")", "]", "）")
_SAID_BEHIND = re.compile(r"[:–—-]$")


class Subject(NamedTuple):
    """What is known about a section when its question is worded.

    ``date`` is an ISO day, week or month.
    """

    kind: str
    heading: str
    title: str
    date: str
    language: str


class _Asked(NamedTuple):
    """What is asked for: the templates' group and shape, and what fills them."""

    group: str
    shape: str
    slots: dict[str, str]


def asks(heading: str) -> bool:
    """Say whether a heading is a question."""
    heading = without_marks(heading).rstrip(' *_"”“)»')
    if heading.endswith(_ASKING_MARKS):
        return any(map(str.isalpha, heading))
    return is_direct(heading) and len(heading.split()) >= _DIRECT_WORDS


def is_question(text: str, name: str) -> bool:
    """Say whether a text can be put to somebody: "First sketch?" has a mark, but asks nothing."""
    if not asks(text):
        return False
    asking, found = _asking(name), split_words(text)
    if asking is None or not asking.asks_by_word or not found or found[0] in asking.pointers:
        return True
    return any(not table.asking.interrogatives.isdisjoint(found) for table in languages().values())


def question(subject: Subject, text: str, *, part: int = 0) -> str:
    """Return the question whose answer is ``text``: the first of its :func:`wordings`."""
    return next(wordings(subject, text, part=part))


def wordings(subject: Subject, text: str, *, part: int = 0) -> Iterator[str]:
    """Yield a question in all the ways that it can be worded, the most fitting first.

    Args:
        subject: The section's kind, heading, and what is known of its note.
        text: The section's text, whose answer it is, and whose hash chooses the wording.
        part: Which part of a long section is asked for, from 0; each part's question
            is worded differently.
    """
    asking = _asking(subject.language)
    if asking is None:
        yield from _neutral(subject, part)
        return
    title = note_title(subject.title)
    number = _number(subject.heading + "\n" + text) + part
    if _may_be_put(subject, title, asking, text):
        written = _as_written(subject.heading or title, title, asking, text)
        if not part:
            yield written
        yield from _further((written,), asking, part)
        yield from _further(tuple(_further((written,), asking, part)), asking, part)
        return
    if not title and not subject.date:
        title = clean_heading(subject.title)
    asked = _what(subject, title, asking, text)
    found: list[str] = []
    for group in (asked.group, "more"):
        for template in _turned(asking.templates[f"{group}.{asked.shape}"], number):
            worded = _polish(template.format(**asked.slots), asking)
            if group != "more":
                found.append(worded)
            if group == "more" or not part:
                yield worded
    # "What else …? Is there more to say?" asks the same twice.
    yield from _further(found, asking, part)


def _may_be_put(subject: Subject, title: str, asking: Asking, text: str) -> bool:
    """Say whether a heading, or a note's title, is a question that a person could put just so."""
    asked = without_label(clean_heading(subject.heading)) or title
    if not asks(asked) or _MARK_BEFORE.search(asked) or asked.endswith(_BRACKETS):
        return False
    if not is_worded_in(asked, subject.language):
        return False
    found = split_words(asked)
    if subject.heading:
        # "But what then?" goes on from a text that the note's title doesn't stand for.
        if title and found[0] in asking.pointers:
            return False
        return not asking.interrogatives or is_question(asked, "en")
    if any(word in asking.first_person for word in found) and not _is_personal(text, asking):
        return False
    # A headline asks its readers; the note it stands over can't explain what it points to.
    asking_words = found if asking.asks_by_word else found[:1]
    worded = not asking.interrogatives.isdisjoint(asking_words)
    return worded and not _hangs(found, asking)


def _turned(templates: Sequence[str], number: int) -> Sequence[str]:
    start = number % len(templates)
    return (*templates[start:], *templates[:start])


def _further(found: Sequence[str], asking: Asking, part: int) -> Iterator[str]:
    """Yield questions that were asked before, worded so that they ask for more."""
    templates = _turned(asking.templates["further"], max(part - 1, 0))
    for one in found:
        known = set(split_words(one))
        # "Tell me more about X. Tell me more." is said by nobody.
        apart = sorted(templates, key=lambda text: len(known.intersection(split_words(text))))
        yield from (_polish(template.format(question=one), asking) for template in apart)


def on_card(front: str, answer: str, name: str) -> str:
    """Return the question for a flashcard's front: itself where it asks, else what is behind it."""
    asking = _asking(name)
    if asking is None:
        return front
    found = split_words(front)
    if asks(front) or (len(found) > _FEW_WORDS and found[0] in asking.interrogatives):
        return front if front.endswith(_ASKING_MARKS) else f"{front}?"
    templates = asking.templates["card"]
    shown = asking.quoted(front)
    chosen = templates[_number(front + answer) % len(templates)]
    return _polish(chosen.format(topic=shown), asking)


def in_context(asked: str, title: str, name: str, text: str) -> str:
    """Return a question of a note's as it is put to the writer, who answers with ``text``.

    It is used as it stands. One that points to something outside of it gets its note's
    title, and one in which the writer speaks of themselves is quoted.
    """
    asking = _asking(name)
    return _as_written(asked, note_title(title), asking, text) if asking else asked


def _what(subject: Subject, title: str, asking: Asking, text: str) -> _Asked:
    """Return what is asked for."""
    heading = clean_heading(subject.heading)
    if title and not is_name(heading):
        heading = ""
    if subject.date and is_version(title):
        title = ""
    if fold(heading) == fold(title) or (" " in heading and fold(title).endswith(fold(heading))):
        heading = ""
    when = date_phrase(subject.date, subject.language)
    if heading and date_in(subject.heading) and is_date_like(heading):
        # A day of its own says more than the note's title.
        heading = title = ""
    match = match_heading(heading)
    if match is None:
        return _about(subject.kind, heading, title, when, asking, text)
    group = match.rule.group if match.rule.kind == subject.kind else subject.kind
    if match.rest and not match.connected and match.rule.kind != subject.kind:
        # "Decision trees" are no decision.
        return _about(subject.kind, heading, title, when, asking, text)
    if match.rest:
        known = heading[: len(heading) - len(match.rest)].rstrip()
        if _SAID_BEHIND.search(known):
            # "Decision: the old boat"
            return _named(group, clean_heading(match.rest), title, when, asking)
        return _placed("section", heading, title, when, asking)
    if _says_only_the_kind(heading, match) and (title or group in KINDS):
        return _about(group, "", title, when, asking, text)
    return _placed("section", heading, title, when, asking)


def _says_only_the_kind(heading: str, match: HeadingMatch) -> bool:
    """Say whether a heading asks nothing of its own: "Reflection", not "What went well"."""
    return match.rule.group != "reflection" or len(heading.split()) <= _KIND_WORDS


def _about(
    group: str, heading: str, title: str, when: str, asking: Asking, text: str = ""
) -> _Asked:
    """Return what is asked about a heading that is not a kind's, or about a note.

    A short title that the text speaks of is a topic. Whether another is a name or a sentence
    can't be told, so that it is asked for by where its text stands.
    """
    if heading and not (
        len(split_words(heading)) == 1 and split_words(heading)[0] in asking.not_first
    ):
        return _placed("section", heading, title, when, asking)
    named = clean_title(title)
    if when and not named:
        return _Asked(group, "dated", {"when": when})
    if not title:
        return _Asked(group, "plain", {})
    is_told = len(split_words(title)) <= _FEW_WORDS and fold(title) in fold(text)
    if named and is_told and not match_heading(title) and names_a_thing(title, asking):
        return _Asked(group, "topic", {"topic": asking.quoted(title)})
    return _Asked(group, "place", {"place": asking.in_note.format(title=asking.quoted(title))})


def _named(group: str, subject: str, title: str, when: str, asking: Asking) -> _Asked:
    """Return what is asked about a subject that a heading gives behind a colon."""
    if subject and names_a_thing(subject, asking):
        return _Asked(group, "topic", {"topic": asking.quoted(subject)})
    return _about(group, subject, title, when, asking)


def _placed(group: str, heading: str, title: str, when: str, asking: Asking) -> _Asked:
    """Return that a text is asked for by where it stands."""
    form = asking.under
    if title:
        form = asking.under_in_note
    elif when:
        form = asking.under_when
    slots = {"heading": asking.quoted(heading), "when": when}
    slots["title"] = asking.quoted(title) if title else ""
    return _Asked(group, "place", {"place": form.format(**slots)})


def _as_written(asked: str, title: str, asking: Asking, text: str) -> str:
    """Return a question as it is put to the writer."""
    asked = without_label(clean_heading(asked) or without_marks(asked))
    if not asked.endswith(_ASKING_MARKS) and asked[-1:] not in tuple('.!:"”)»'):
        asked += "?"
    asked = asked[:1].upper() + asked[1:]
    found = split_words(asked)
    if any(word in asking.first_person for word in found) and _is_personal(text, asking):
        return _polish(asking.own_question.format(question=asking.quoted(asked)), asking)
    own = fold(title).rstrip("?") == fold(asked).rstrip("?")
    if title and not own and _hangs(found, asking):
        about = asking.about_question.format(title=asking.quoted(title), question=asked)
        return _polish(about, asking)
    return _polish(asked, asking)


def _is_personal(text: str, asking: Asking) -> bool:
    """Say whether the writer speaks of themselves, so that a question's "I" is theirs."""
    found = split_words(text)
    return sum(map(asking.first_person.__contains__, found)) >= max(len(found) * _PERSONAL, 1)


def _hangs(found: Sequence[str], asking: Asking) -> bool:
    """Say whether a question points to something that was said before it, or names nothing."""
    named = 0
    for word in found:
        if named < _NAMED and word in asking.pointers:
            return True
        named += word not in asking.not_nouns and word not in asking.not_first
    return not named or found[-1] in asking.pointers


def _asking(name: str) -> Asking | None:
    """Return how a language asks; None where it has no table."""
    table = languages().get(name)
    return table.asking if table else None


def _neutral(subject: Subject, part: int) -> Iterator[str]:
    """Yield the title and date alone, which are in no language that the answer is not in.

    A question in another language would teach a model to answer in one that it was not asked in.
    """
    heading = clean_heading(subject.heading)
    named = "" if is_generic(heading) or is_date_like(heading) else heading
    shown = named or clean_title(subject.title) or subject.title.strip()
    date = date_in(subject.heading) or subject.date
    if date and not is_date_like(shown) and not asks(shown):
        shown = f"{shown} ({date})"
    numbered = count(part + 1)
    if not part:
        yield shown or date
        next(numbered)
    yield from (f"{shown or date} ({number})" for number in islice(numbered, _NEUTRAL))


def _number(text: str) -> int:
    data = text.encode("utf-8", "backslashreplace")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def _polish(text: str, asking: Asking) -> str:
    text = _DOUBLED.sub(itemgetter(1), " ".join(text.split()))
    if asking.one_mark:
        text = _MARK_INSIDE.sub(itemgetter(1), text)
    return text[:1].upper() + text[1:]
