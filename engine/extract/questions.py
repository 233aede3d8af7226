"""The user's turn: a question that the section answers, worded differently from note to note.

It is built from what is known of the section (its heading, the note's title and
date, names in its text), and the wording is chosen by the hash of the section's
text, so that the same note always gets the same question.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from engine.extract.headings import is_generic, match_heading
from engine.extract.languages import languages
from engine.extract.letters import fold, words
from engine.extract.topics import (
    Topic,
    about,
    clean_title,
    date_phrase,
    find_topic,
    is_date_like,
    is_direct,
    swap,
)
from engine.sources.dates import date_in

_DIRECT_WORDS = 3
_SIGNS_AROUND = re.compile(r"^[^\w\"'“„«(¿¡]+|[\s:：#]+$")
_DOUBLED = re.compile(r"([?!.])[.?](?=$|\s)")


class Subject(NamedTuple):
    """What is known about a section when its question is worded.

    ``date`` is an ISO day, week or month; ``links`` returns the names of the notes that
    the section links to.
    """

    kind: str
    heading: str
    title: str
    date: str
    language: str
    links: Callable[[], Sequence[str]] = tuple


def asks(heading: str) -> bool:
    """Say whether a heading is a question."""
    heading = heading.rstrip(' *_"”“)»')
    if heading.endswith("?"):
        return any(map(str.isalpha, heading))
    return is_direct(heading) and len(heading.split()) >= _DIRECT_WORDS


def complete(asked: str, name: str) -> str:
    """Return a question as it is put to the writer, with its mark."""
    if asked.rstrip()[-1:] not in ("?", ".", "!", ":"):
        asked = f"{asked.rstrip()}?"
    return _polish(swap(asked) if name == "en" and asked.endswith("?") else asked)


def further(asked: str, name: str, part: int) -> str:
    """Return a question that was asked before, worded so that it asks for more."""
    templates = languages()[name].questions["further"]
    return _polish(templates[part % len(templates)].format(question=asked))


def question(subject: Subject, text: str, *, part: int = 0) -> str:
    """Return the question whose answer is ``text``.

    Args:
        subject: The section's kind, heading, and what is known of its note.
        text: The section's text, which chooses the wording.
        part: Which part of a long section is asked for, from 0; each part's question
            is worded differently.
    """
    name = subject.language
    if name not in languages():
        return _neutral(subject, part)
    title = clean_title(subject.title)
    # A heading that is a day of its own is more exact than the note's date.
    own_day = bool(subject.heading) and is_date_like(subject.heading)
    when = "" if own_day and not date_in(subject.heading) else date_phrase(subject.date, name)
    asked = _as_question(subject.heading.strip(), title, when, name)
    if asked and not part:
        return asked
    topic = find_topic(subject.heading.rstrip("?"), title, when, name, text)
    if topic.shape == "question":
        return _polish(f"{topic.text}?")
    choices, slots = _choices(subject, topic, name, when, text)
    if not when or when in topic.text:
        choices = _undated(choices)
    choices = choices or languages()[name].questions["plain"]
    chosen = choices[(_number(subject.heading + "\n" + text) + part) % len(choices)]
    return _polish(chosen.format(**slots))


def _neutral(subject: Subject, part: int) -> str:
    """Return the title and date alone, which are in no language that the answer is not in.

    A question in another language would teach a model to answer in one that it was not asked in.
    """
    heading = _SIGNS_AROUND.sub("", subject.heading)
    named = heading if not (is_generic(heading) or is_date_like(heading)) else ""
    shown = named or clean_title(subject.title) or subject.title.strip()
    date = date_in(subject.heading) or subject.date
    if date and not is_date_like(shown):
        shown = f"{shown} ({date})" if shown else date
    return f"{shown} ({part + 1})" if part else shown


@lru_cache(maxsize=256)
def _undated(templates: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(template for template in templates if "hen}" not in template)


def _choices(
    subject: Subject, topic: Topic, name: str, when: str, text: str
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the templates that fit what is known, and what fills them."""
    templates = languages()[name].questions
    slots = {"when": when, "When": when[:1].upper() + when[1:]}
    if topic.shape in ("topic", "neutral"):
        match = match_heading(subject.heading)
        fits = match is not None and match.rule.kind == subject.kind
        group = match.rule.group if match is not None and fits else subject.kind
        slots["topic"] = topic.text
        return templates[f"{group if topic.shape == 'topic' else 'neutral'}.topic"], slots
    if topic.shape:
        slots[topic.shape] = topic.text
        return templates[topic.shape], slots
    slots["about"] = about(subject.links(), name, text)
    if slots["about"]:
        return templates[f"{subject.kind}.bare"], slots
    return templates[f"{subject.kind}.dated"] if when else (), slots


def _number(text: str) -> int:
    data = text.encode("utf-8", "backslashreplace")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def _as_question(heading: str, title: str, when: str, name: str) -> str:
    """Return a heading that is a question; one that every week asks gets its note's name.

    It is used as it stands, but that in English "I" becomes "you", since it is the
    writer who answers.
    """
    if not heading.endswith("?"):
        return ""
    asked = swap(heading) if name == "en" else heading
    if len(words(heading)) >= 4 and match_heading(heading) is None:
        return asked
    inner = asked[0].lower() + asked[1:] if name == "en" else asked
    if title and fold(title) != fold(heading):
        return f"{title}: {inner}"
    return f"{when[:1].upper() + when[1:]}: {inner}" if when else asked


def _polish(text: str) -> str:
    text = _DOUBLED.sub(itemgetter(1), " ".join(text.split()))
    return text[:1].upper() + text[1:]
