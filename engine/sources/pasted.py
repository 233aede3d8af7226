"""Chats with an assistant that somebody pasted into a note: whose words are the assistant's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_HINTS = ("GPT", "gpt", "laude", "emini", "ssistan", "opilot", "AI:", "eepSeek")
_NAMED = re.compile(
    r"(?:chat ?gpt|gpt[ -]?\d[\w.-]*|openai|claude|gemini|bard|(?:github |microsoft )?copilot"
    r"|bing chat|llama|mistral|mixtral|deepseek|perplexity|grok|qwen)"
    r"(?:[ -]?(?:\d[\w.]*|[\w.]+)){0,3}"
)
_GENERAL = re.compile(
    r"(?:ai|ki|ia|bot|chat ?bot|(?:ai |virtual )?assistant|model|llm"
    r"|assistent(?:in)?|asistent(?:ul)?)"
)
_PERSON = re.compile(
    r"(?:you|user|me|human|prompt|i|ich|du|nutzer(?:in)?|benutzer(?:in)?|mensch|eu|tu"
    r"|utilizator(?:ul)?)"
)
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_BOLD = re.compile(
    r"^\s{0,3}(?:>\s?)?(?:[^\w\s*>#-]{1,4}\s*)?(?:\*\*|__)([^*_\n]{1,40}?):?(?:\*\*|__)\s*:?(?:\s|$)"
)
_PREFIX = re.compile(r"^\s{0,3}(?:>\s?)?([A-Za-z][\w .-]{0,30}?)(?: said)?\s?:(?:\s|$)")
_SAID = re.compile(r"^\s{0,3}(?:#{1,6}\s+)?([A-Za-z][\w .-]{0,30}?) said:?\s*$")
_CALLOUT = re.compile(r"^\s{0,3}>\s?\[!([\w -]{1,30})\]")
_OWN = re.compile(
    r"(?:my|own|thoughts?|reflections?|take-?aways?|learn\w*|lessons?|notes?|comments?|conclusions?"
    r"|mein\w*|gedanken|fazit|notizen|kommentar\w*|reflexion\w*|ganduri|gânduri|concluzi\w*|reflec[tț]\w*"
    r"|notițe|notite)\b"
)
_RULE = re.compile(r"^\s{0,3}(?:-[ \t]*){3,}$")
_DECORATION = re.compile(r"^[^\w]+|[^\w)]+$|\s*\([^()]*\)\s*$")


@dataclass(frozen=True, slots=True)
class Chat:
    """A pasted chat: the indices of its first line and behind its last, and its answers."""

    start: int
    end: int
    answers: int


@dataclass(frozen=True, slots=True)
class _Label:
    """A line that says who speaks: its form, and who."""

    line: int
    form: str
    who: str


def find_chat(text: str) -> Chat | None:
    """Return the chat that is pasted into a text, or None.

    It takes two speakers who take turns, one of them an assistant: by name with somebody
    who speaks more than once, or by any word for one with a word for the person who asks.
    """
    if not any(map(text.__contains__, _HINTS)):
        return None
    lines = text.split("\n")
    by_form: dict[str, list[_Label]] = {}
    for label in _labels(lines):
        by_form.setdefault(label.form, []).append(label)
    chats = (_chat(lines, form, labels) for form, labels in by_form.items())
    return max((chat for chat in chats if chat), key=lambda chat: chat.answers, default=None)


def _labels(lines: Sequence[str]) -> Iterator[_Label]:
    """Yield the lines that may say who speaks. All headings may, since people have any name."""
    code = ""
    for number, line in enumerate(lines):
        stripped = line.lstrip(" >")
        if stripped[:3] in ("```", "~~~"):
            code = "" if code == stripped[:3] else code or stripped[:3]
            continue
        if code or not stripped:
            continue
        if match := _HEADING.match(line):
            who = re.sub(r" said$", "", _name(match[2]))
            yield _Label(number, match[1], who)
        elif match := _SAID.match(line):
            yield _Label(number, "said", _name(match[1]))
        elif ("**" in line[:14] or "__" in line[:14]) and (match := _BOLD.match(line)):
            yield _Label(number, "bold", _name(match[1]))
        elif stripped[:2] == "[!" and (match := _CALLOUT.match(line)):
            yield _Label(number, "callout", _name(match[1]))
        elif ":" in line[:34] and (match := _PREFIX.match(line)):
            who = _name(match[1])
            if _PERSON.fullmatch(who) or _is_assistant(who):
                yield _Label(number, "prefix", who)


def _name(text: str) -> str:
    bare = text.replace("*", "").replace("_", " ")
    for _ in range(2):
        bare = _DECORATION.sub("", bare)
    return " ".join(bare.lower().split())


def _is_assistant(who: str) -> bool:
    return bool(_NAMED.fullmatch(who) or _GENERAL.fullmatch(who))


def _chat(lines: Sequence[str], form: str, labels: Sequence[_Label]) -> Chat | None:
    named = [label for label in labels if _NAMED.fullmatch(label.who)]
    answers = named or [label for label in labels if _GENERAL.fullmatch(label.who)]
    if not answers:
        return None
    speakers = {answers[0].who}
    people = {label.who for label in labels if _PERSON.fullmatch(label.who)}
    if not people and len(named) > 1:
        others = Counter(label.who for label in labels if not _is_assistant(label.who))
        people = {who for who, count in others.items() if who and count > 1}
    if not people and len(named) == 1:
        people = _nickname(lines, labels, named[0])
    speakers |= people | {label.who for label in answers}
    turns = [label for label in labels if label.who in speakers]
    changes = sum(
        (before.who in people) != (after.who in people) for before, after in pairwise(turns)
    )
    if not people or not changes:
        return None
    return Chat(turns[0].line, _end(lines, form, turns), len(answers))


def _nickname(lines: Sequence[str], labels: Sequence[_Label], answer: _Label) -> set[str]:
    """Return who asks in a chat of one exchange, where both are written as nicknames are."""
    at = labels.index(answer)
    written = lines[answer.line] + (lines[labels[at - 1].line] if at else "A")
    lonely = at == len(labels) - 1 and written.islower()
    return {labels[at - 1].who} if lonely and " " not in labels[at - 1].who else set()


def _end(lines: Sequence[str], form: str, turns: Sequence[_Label]) -> int:
    """Return where a chat ends behind its last turn.

    Answers hold headings of their own. What ends a chat is one as high as those that it
    stands below, one that says that the author speaks again, or a rule.
    """
    before = [match for line in lines[: turns[0].line] if (match := _HEADING.match(line))]
    above = [len(match[1]) for match in before]
    if form[0] == "#":
        above = [level for level in above if level < len(form)]
    level = max(above, default=0)
    code = ""
    for number in range(turns[-1].line + 1, len(lines)):
        mark = lines[number].lstrip()[:3]
        if mark in ("```", "~~~"):
            code = "" if code == mark else code or mark
        if code:
            continue
        heading = _HEADING.match(lines[number])
        if heading and (len(heading[1]) <= level or _OWN.match(_name(heading[2]))):
            return number
        if _RULE.match(lines[number]) and not lines[number - 1].strip():
            return number
    return len(lines)
