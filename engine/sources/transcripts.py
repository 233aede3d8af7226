"""Written-down chats between people: lines that say when somebody said something, and who.

Messengers and their exporters write such lines into text files and Markdown notes:

- WhatsApp: ``[31/12/2023, 23:59:01] Ana: …``, ``12/31/23, 11:59 PM - Ana: …``, in the form of the
  phone's locale, with digits of any script and marks of direction between them
- signal-export's ``chat.md``: ``[2024-02-01, 10:00] Ana: …``
- exporters to Markdown: ``**Ana** (10:00): …``, ``**Ana** [2024-02-01 10:00]``
- DiscordChatExporter's text: ``[01/02/2024 10:00] ana``, with the words on the next lines
- imessage-exporter's text: ``Feb 01, 2024 10:00:00 AM``, below it who, and below that the words
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
# "[31/12/2023, 23:59:01] Ana: …", "12/31/23, 11:59 PM - Ana: …", "31.12.23, 23:59 - Ana: …",
# "2023. 12. 31. 오후 11:59, Ana : …"; digits of any script.
_DATE = (
    r"(?:\d{1,4}[./\-]\s?\d{1,2}[./\-]\s?\d{1,4}\.?|\d{4}[年년]\s?\d{1,2}[月월]\s?\d{1,2}[日일])"
)
_TIME = r"(?:[^\W\d_]{1,6}\.?\s?){0,2}\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s?[^\W\d_]\.?){0,4}"
_WHEN = rf"{_DATE}[,،]?\s{_TIME}"
_BEGINS = re.compile(rf"^\[?{_WHEN}(?:\]\s|\s[-–—]\s|,\s)")
_DATED = re.compile(rf"^(?:\[{_WHEN}\]\s|{_WHEN}(?:\s[-–—]\s|,\s))([^:\n]{{1,60}}?)\s?:")
_BOLD = re.compile(
    rf"^(?:\*\*|__)([^*_:\n]{{1,60}}?)(?:\*\*|__)[ ,—–-]{{0,3}}"
    rf"(?:[(\[](?:{_WHEN}|{_TIME})[)\]]|{_WHEN}|\d{{1,2}}:\d{{2}}(?:\s?[AaPp]\.?[Mm]\.?)?)(?::|\s|$)"
)
_MARKED = re.compile(r"^[ \t>]*(?:[-*+][ \t]+)?")
# A log of one's own has neither the bracket nor the comma.
_EXPORTED = re.compile(rf"^[ \t>*+-]*(?:\[|__|(?<=\*)\S|{_DATE}[,،])")
_DISCORD = re.compile(rf"^\[{_WHEN}\] (\S[^:\n]{{0,60}})$")
_IMESSAGE = re.compile(
    r"^[A-Z][a-z]{2} \d{2}, \d{4}\s+\d{1,2}:\d{2}:\d{2}\s[AP]M\b.*\n([^\n]{1,60})\n\S", re.MULTILINE
)
# Words before a colon that are a log's and nobody's name.
_LEVELS = frozenset(("info", "debug", "warn", "warning", "error", "critical", "trace", "fatal"))
_LABELS = frozenset((
    *("mood", "note", "notes", "sleep", "energy", "weight", "idea", "todo", "task", "done"),
    *("thought", "thoughts", "update", "status", "question", "answer", "title", "log", "event"),
    *("decision", "learning", "insight", "plan", "goal", "work", "breakfast", "lunch", "dinner"),
    *("stimmung", "notiz", "idee", "schlaf", "gewicht", "stare", "idei", "gând", "notă", "humeur"),
    *("weather", "reminder", "meeting", "call", "food", "exercise", "gratitude", "journal"),
    *("win", "problem", "gym", "yoga", "run", "walk", "standup", "home", "school", "reading"),
    *("dream", "health", "project", "progress", "result", "focus"),
))  # fmt: skip
_LEAST = 3
_LOOK_AT = 400
_LONGEST_NAME = 5


class Run(NamedTuple):
    """Lines of a text that are a chat between people: from one to before another, from 0."""

    start: int
    end: int
    messages: int


def is_whatsapp(text: str) -> bool:
    """Say whether messages begin with a date, a time and who wrote them."""
    lines = [line for line in _bare(text).splitlines()[:_LOOK_AT] if line.strip()]
    begun = [line for line in lines if _BEGINS.match(line)]
    if not begun or begun[0] is not lines[0]:
        return False
    said = [hit[1].strip() for line in begun if (hit := _DATED.match(line))]
    people = [name for name in said if not _LEVELS & set(re.findall(r"\w+", name.casefold()))]
    return len(people) >= 2 and len(people) >= 0.5 * len(begun)


def is_discord(text: str) -> bool:
    """Say whether a text is one that DiscordChatExporter wrote."""
    bars = re.match(r"\s*={20,}\r?\nGuild: .*\r?\nChannel: ", text)
    lines = _bare(text).splitlines()[:_LOOK_AT]
    return bars is not None and any(_DISCORD.match(line) for line in lines)


def is_imessage(text: str) -> bool:
    """Say whether a text is one that imessage-exporter wrote."""
    first = _IMESSAGE.match(text)
    return first is not None and len(_IMESSAGE.findall(text[:20_000])) > 1


def find_people(text: str) -> list[Run]:
    """Return where in a note the messages of a chat between people stand, section by section.

    A log of one's own has labels where such messages have names: most of these come again, and
    where it is one alone, it says nearly all that the note holds.
    """
    lines = _bare(text).split("\n")
    said = [(at, name) for at, line in enumerate(lines) if (name := _name(line))]
    if len(said) < _LEAST or not _are_people([name for _, name in said]):
        return []
    if len({name for _, name in said}) == 1:
        words = [line for line in lines if line.strip() and not line.startswith("#")]
        exported = all(_EXPORTED.match(lines[at]) for at, _ in said)
        if len(said) <= _LEAST or len(said) < 0.5 * len(words) or not exported:
            return []
    runs: list[Run] = []
    for at, _ in said:
        if runs and not any(line.startswith("#") for line in lines[runs[-1].end : at]):
            runs[-1] = Run(runs[-1].start, _end(lines, at), runs[-1].messages + 1)
        else:
            runs.append(Run(at, _end(lines, at), 1))
    return runs


def _end(lines: list[str], at: int) -> int:
    """Return where a message ends: at an empty line, or a heading; later its next may begin."""
    at += 1
    while at < len(lines) and lines[at].strip() and not lines[at].startswith("#"):
        at += 1
    return at


def _name(line: str) -> str:
    """Return who says the words of a line; empty where it is none of a chat."""
    if not any(character.isdigit() for character in line[:80]):
        return ""
    line = _MARKED.sub("", line, count=1)
    found = _DATED.match(line) or _BOLD.match(line)
    if found is None:
        return ""
    name = found[1].strip(" *_~")
    words = re.findall(r"\w+", name.casefold())
    if not words or len(words) > _LONGEST_NAME or set(words) & (_LEVELS | _LABELS):
        return ""
    return name


def _are_people(names: list[str]) -> bool:
    known = Counter(names)
    return len(known) == 1 or sum(number > 1 for number in known.values()) * 2 >= len(known)


def _bare(text: str) -> str:
    return text if text.isascii() else _DIRECTION.sub("", text)
