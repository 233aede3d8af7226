"""A personality as a system prompt, and as what somebody answers when asked who they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.sources.memory import names
from engine.sources.memory.entries import Part, Quality
from engine.sources.memory.names import plain
from engine.sources.memory.questions import turned, untaken
from engine.sources.memory.wording import Wording, group_of

_INTRODUCING = ("description", "tagline", "summary", "purpose", "about")
_TO_SOMEBODY = re.compile(
    r"\s*(?:you(?:'re|’re)?|your|act|behave|du|dein\w*|tu|ești|esti)\b", re.IGNORECASE
)
_LONG = 60
_LITTLE, _MUCH = 0.34, 0.67


@dataclass(frozen=True, slots=True)
class Personality:
    """What somebody is like.

    Attributes:
        name: Their name; empty where it is not said.
        prompt: A system prompt that the app has ready; else empty.
        parts: All else.
        line: Where it begins.
    """

    name: str = ""
    prompt: str = ""
    parts: tuple[Part, ...] = ()
    line: int = 1

    def __bool__(self) -> bool:
        return bool(self.name or self.prompt or self.parts)

    @property
    def traits(self) -> int:
        """How many traits, values, interests and the like it has."""
        return sum(len(part.qualities) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question about somebody, their answer, and the line that says so."""

    question: str
    answer: str
    line: int
    subject: str


def personality(parts: Iterable[Part]) -> Personality:
    """Return what the parts of a personality say together."""
    name = prompt = ""
    others: list[Part] = []
    line = 0
    for part in parts:
        line = line or part.line
        text = part.qualities[0].text
        if part.name in names.NAMES and ":" not in part.label and not name:
            name = text
        elif part.name in names.PROMPTS and not prompt:
            prompt = text
        else:
            others.append(part)
    return Personality(name, prompt, tuple(others), line or 1)


def system_prompt(who: Personality, wording: Wording) -> str:
    """Return a personality as a system prompt: the app's own, or one put together."""
    if who.prompt:
        return who.prompt
    lines = [wording.you_are.format(name=who.name)] if who.name else []
    for part in who.parts:
        text = _items(part.qualities, wording)
        if part.name in _INTRODUCING:
            lines.insert(1 if who.name else 0, text)
        else:
            lines.append(f"{_capital(_label(part, wording))}: {_ended(text)}")
    return "\n".join(lines)


def exchanges(who: Personality, wording: Wording, taken: set[str]) -> Iterator[Exchange]:
    """Yield the questions that a personality answers, each in a wording that its text chooses.

    Args:
        who: The personality.
        wording: The language's sentences.
        taken: Questions that are asked already; those asked here are added.
    """
    seed = who.name + "\n" + "\n".join(part.label for part in who.parts)
    introduction = next((part for part in who.parts if part.name in _INTRODUCING), None)
    about = _items(introduction.qualities, wording) if introduction is not None else ""
    if _TO_SOMEBODY.match(about):
        about = ""
    line = introduction.line if introduction is not None else who.line
    said = [wording.i_am.format(name=who.name)] if who.name else []
    if about:
        said.append(about)
    if said:
        question = untaken(turned(wording.who, seed), taken)
        yield Exchange(question, " ".join(said), line, who.name)
    if who.name:
        question = untaken(turned(wording.named, seed), taken)
        yield Exchange(question, wording.my_name.format(name=who.name), line, who.name)
    for part in who.parts:
        if part is not introduction or not about:
            yield from _of_part(part, wording, taken)


def _of_part(part: Part, wording: Wording, taken: set[str]) -> Iterator[Exchange]:
    items = _items(part.qualities, wording)
    if _TO_SOMEBODY.match(items):
        # It tells somebody who to be, so that it is no answer; the system prompt has it.
        return
    group = group_of(part.name)
    label = _label(part, wording)
    if group:
        questions, form = wording.groups[group]
        # A text of several sentences needs no beginning of one.
        whole = "{items}" if re.search(r"[.!?]\s", items) else form
        answer = whole.format(items=items if whole == "{items}" else items.rstrip("."))
        asked: Iterable[str] = turned(questions, part.label + items)
    else:
        key = wording.quoted.format(text=label) if wording.inflects else label
        asked = (form.format(key=key) for form in turned(wording.part, part.label + items))
        answer = f"{_capital(label)}: {items}"
    yield Exchange(untaken(asked, taken), _ended(answer), part.line, label)


def _label(part: Part, wording: Wording) -> str:
    return wording.categories.get(plain(part.label), part.label)


def _items(qualities: Sequence[Quality], wording: Wording) -> str:
    """Return qualities as an enumeration."""
    texts = [_in_words(quality, wording) for quality in qualities]
    if len(texts) == 1:
        return texts[0]
    if any(len(text) > _LONG or set(text) & set(",:;") or ". " in text for text in texts):
        return "; ".join(text.rstrip(".;") for text in texts)
    return ", ".join(texts[:-1]) + wording.conjunction + texts[-1]


def _in_words(quality: Quality, wording: Wording) -> str:
    text = quality.text
    if quality.degree is not None:
        low, middle, high = wording.degrees
        word = low if quality.degree < _LITTLE else high if quality.degree >= _MUCH else middle
        text = f"{text} ({word})"
    return f"{text}: {quality.about}" if quality.about else text


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _ended(text: str) -> str:
    return text if text.rstrip()[-1:] in ".!?…。！？" else text.rstrip() + "."
