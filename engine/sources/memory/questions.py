"""A memory as a question and its answer.

The question is built from what the memory is about, what it belongs to and when it was, or
else from a name in it; a word of it serves where all other questions are taken. Its wording is
chosen by the hash of the memory, so that the same one always gets the same question, and
another where a different memory of the file has it already.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence

from engine.sources.memory import names
from engine.sources.memory.entries import Fact
from engine.sources.memory.names import plain, word_set
from engine.sources.memory.wording import Wording

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_CAPITAL = r"[^\W\d_a-zß-ÿăîșțşţ]"
# A word with a capital that begins no sentence, and another one behind it.
_NAME = re.compile(rf"(?<![.!?:;\n] )(?<![.!?:;\n])(?<!^)\b{_CAPITAL}\w+(?: {_CAPITAL}\w+)?")
_LONGEST = 30
_DULL = word_set(
    "named called favorite favourite learned learnt thinks think something everything everyone "
    "someone anything because really usually especially always sometimes about after before "
    "during while where there their which would could should wants likes loves hates prefers "
    "enjoys mentioned said told feels believes user users user's assistant human people person "
    "pentru despre întotdeauna niciodată uneori foarte acolo unde atunci înainte fiindcă deoarece "
    "utilizatorul utilizator preferă iubește urăște crede spune "
    "immer manchmal niemals wirklich besonders vielleicht nachdem bevor während damals gestern "
    "nutzer benutzer benutzerin nutzerin jemand etwas alles"
)
_PEOPLE = word_set(
    "sister brother mother father mom dad mum parent parents wife husband partner spouse son "
    "daughter child children kids grandmother grandfather grandma grandpa aunt uncle cousin friend "
    "boss colleague manager mentor teacher dog cat pet pets girlfriend boyfriend"
)
_VERBS = word_set(
    "likes dislikes has is was prefers loves hates lives works wants owns plays speaks knows born "
    "does can enjoys uses drinks eats drives studies studied worked lived wakes"
)


def ask(fact: Fact, wording: Wording, taken: set[str]) -> str:
    """Return a question that a memory answers, and add it to those that are taken.

    Args:
        fact: The memory.
        wording: The language's sentences.
        taken: Questions that other memories have.
    """
    return untaken(_questions(fact, wording), taken)


def answer(fact: Fact, wording: Wording) -> str:
    """Return a memory in words: as the app has it, or a field's name and value as a sentence."""
    if not fact.keyed:
        return fact.text
    value = fact.text.strip().rstrip(".") or fact.text
    if value in ("yes", "no"):
        value = wording.yes_no[0 if value == "yes" else 1]
    key = fact.subject
    name = key[:1].upper() + key[1:]
    if key[:1].isupper() or key.split()[0].lower() in _VERBS:
        return f"{name}: {value}."
    form = wording.listed_answer if _is_several(fact) else wording.keyed_answer
    return form.format(key=key, Key=name, value=value)


def untaken(questions: Iterable[str], taken: set[str]) -> str:
    """Return the first question that is not taken, and take it; where all are, the first."""
    first = ""
    for question in questions:
        first = first or question
        if question not in taken:
            taken.add(question)
            return question
    return first


def turned(choices: Sequence[str], seed: str) -> Iterator[str]:
    """Yield all choices, beginning with the one that a text's hash points to."""
    start = choice(seed, len(choices))
    yield from choices[start:]
    yield from choices[:start]


def choice(text: str, count: int) -> int:
    """Return a number below ``count`` that a text's hash chooses."""
    data = text.encode("utf-8", "backslashreplace")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big") % max(count, 1)


def day_in_words(day: str, wording: Wording) -> str:
    """Return a date with its preposition, as "on 14 March 2025"; empty where it is none."""
    found = re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", day)
    if found is None or not 1 <= int(found[2]) <= 12:
        return ""
    form = wording.day if found[3] else wording.month
    month = wording.months[int(found[2]) - 1]
    return form.format(day=int(found[3] or 1), month=month, year=int(found[1]))


def _questions(fact: Fact, wording: Wording) -> Iterator[str]:
    """Yield all questions that fit, beginning where the memory's hash points."""
    seed = f"{fact.subject}\n{fact.text}"
    if fact.keyed and not fact.subject[:1].isupper():
        slots = {"key": _word(fact.subject, wording)}
        for template in turned(_keyed(fact, wording), seed):
            yield _polished(template.format(**slots))
        return
    name, word = _names_in(fact.text)
    subject = _as_topic(fact.subject, wording) if fact.subject else ""
    told = "" if name.lower() in fact.subject.lower() else name
    # Of many memories about one thing, the later ones name somebody of theirs as well.
    topics = [subject or told]
    topics += [f"{subject}{wording.conjunction}{told}"] if subject and told else []
    # A word that is no name may be no topic: it serves where nothing else tells memories apart.
    worded = word and word.lower() not in fact.subject.lower() and not told
    topics += [wording.quoted.format(text=word)] if worded and not subject else []
    for topic in topics:
        slots, choices = _choices(fact, topic, wording, seed)
        for template in turned(choices, seed):
            yield _polished(template.format(**slots))


def _keyed(fact: Fact, wording: Wording) -> tuple[str, ...]:
    if _PEOPLE & set(fact.subject.lower().split()):
        return wording.part
    return wording.listed if _is_several(fact) else wording.keyed


def _is_several(fact: Fact) -> bool:
    """Say whether a field's name or value means several things: "siblings: 2"."""
    return fact.several or re.search(r"[^sui]s$", fact.subject) is not None


def _choices(
    fact: Fact, topic: str, wording: Wording, seed: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what fills a question's slots, and the questions whose slots can be filled."""
    category = _as_category(fact, wording)
    on_the_day = plain(fact.category) in names.EVENTS
    when = day_in_words(fact.happened or (fact.stored if on_the_day else ""), wording)
    slots = {"topic": topic, "category": category, "when": when}
    slots["When"] = when[:1].upper() + when[1:]
    if when:
        return slots, wording.dated_topic if topic else wording.dated
    if topic and category:
        # Half of them name both, so that a category's questions are not all of one kind.
        groups = (wording.placed + wording.topic, wording.topic + wording.placed)
        return slots, groups[choice(seed + "\n", 2)]
    if topic:
        return slots, wording.topic
    return slots, wording.category if category else wording.plain


def _as_topic(subject: str, wording: Wording) -> str:
    alone = " " not in subject and subject[:1].isupper()
    return subject if alone else _word(subject, wording)


def _as_category(fact: Fact, wording: Wording) -> str:
    name = plain(fact.category)
    if not name or name in names.NOT_TOPICS or plain(fact.subject) == name:
        return ""
    return wording.categories.get(name) or _word(fact.category, wording)


def _word(text: str, wording: Wording) -> str:
    """Return a word of the app's, in quotes where the language would have to inflect it."""
    return wording.quoted.format(text=text) if wording.inflects else text


def _names_in(text: str) -> tuple[str, str]:
    """Return a name in a text, and its longest word; each is empty where there is none."""
    name = next(
        (
            found[0]
            for found in _NAME.finditer(text)
            if found[0].lower() not in _DULL and len(found[0]) <= _LONGEST
        ),
        "",
    )
    words = [
        word
        for word in _WORD.findall(text)
        if 4 <= len(word) <= _LONGEST and word.lower() not in _DULL
    ]
    # Of words of one length, the later one is likelier to be a thing.
    word = max(reversed(words), key=len, default="")
    return name, word.lower() if text.startswith(word) else word


def _polished(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"([?!.])[.?](?=$|\s)", r"\1", text)
    return text[:1].upper() + text[1:]
