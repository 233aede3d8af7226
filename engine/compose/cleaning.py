"""What a model wrote, made into one clean question, or declined with a reason."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from engine.compose.language import is_little, may_be, words
from engine.compose.writer import without_thoughts

MIN_WORDS = 3
MAX_WORDS = 45
MAX_CHARACTERS = 260
COPIED_WORDS = 8
"""So many words in a row that stand in the answer give it away."""

_STEM = 4
_LABEL = re.compile(
    r"^(?:\*\*|__)?(?:the |your |die )?(?:question|q|prompt|user|întrebare|întrebarea|intrebare"
    r"|intrebarea|utilizator|frage)(?:\*\*|__)?\s*(?:\d+\s*[.):]|:)(?:\*\*|__)?\s*(?:\*\*|__)?",
    re.IGNORECASE,
)
_PREAMBLE = re.compile(r":\s*$")
_MARK = re.compile(r"^(?:#{1,6}\s+|[-*•>]\s+|\d{1,2}[.)]\s+)")
_QUOTES = (
    ('"', '"'), ("'", "'"), ("“", "”"), ("„", "”"), ("„", "“"), ("«", "»"), ("»", "«"),
    ("‘", "’"), ("‚", "‘"), ("**", "**"), ("__", "__"), ("*", "*"), ("_", "_"), ("`", "`"),
)  # fmt: skip
DECLINES = re.compile(
    r"^(?:i(?:’|')?m sorry|i am sorry|sorry|as an ai|i can(?:no|’|')t|i am unable|unfortunately"
    r"|îmi pare rău|imi pare rau|ca model de limbaj|nu pot|din păcate"
    r"|es tut mir leid|leider|als ki|ich kann (?:leider )?nicht)\b",
    re.IGNORECASE,
)
PLACEHOLDER = re.compile(r"\[[^\]]{1,40}\]|<[^>]{1,40}>|\{[^}]{1,40}\}|…\s*$|\.\.\.\s*$")
_REQUEST = re.compile(
    r"^(?:please |bitte |te rog,? )?(?:tell|describe|explain|walk|share|write|say|talk|sum"
    r"|spune|povestește|povesteste|descrie|explică|explica|scrie|vorbește"
    r"|erzähl|erzähle|beschreib|beschreibe|erklär|erkläre|schreib|schreibe|sag)\b",
    re.IGNORECASE,
)


class Declined(Exception):
    """A text of a model that is not taken.

    Attributes:
        code: The stable code, such as "not-a-question".
        reason: Why, for a person.
        output: What the model wrote.
    """

    def __init__(self, code: str, reason: str, output: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.output = output


def one_question(
    output: str,
    answer: str,
    language: str,
    titles: str = "",
    known: Iterable[str] = (),
    foreign: Collection[str] = (),
) -> str:
    """Return the question in what a model wrote.

    Args:
        output: What it wrote.
        answer: The text that the question is for.
        language: The language of the text; empty where it is not known.
        titles: What is known of the text's place; its words count as the text's.
        known: Questions that may not come back, as those of the prompt.
        foreign: Folded words that it may have only if the text has them.

    Raises:
        Declined: It holds no question that can be used.
    """
    text = without_thoughts(output)
    if not text:
        raise Declined("no-text", "it wrote nothing", output)
    line = _first_line(text)
    question = _until_asked(line)
    if DECLINES.match(question):
        raise Declined("model-declined", "it declined to write one", output)
    if not question.endswith("?"):
        if not _REQUEST.match(question):
            raise Declined("not-a-question", "it is neither a question nor a request", output)
        question = question.rstrip(".!: ") + "."
    if PLACEHOLDER.search(question):
        raise Declined("placeholder", "a part of it is left open", output)
    found = words(question)
    if len(found) < MIN_WORDS:
        raise Declined("too-short", f"it has {len(found)} words", output)
    if len(found) > MAX_WORDS or len(question) > MAX_CHARACTERS:
        raise Declined("too-long", f"it has {len(found)} words", output)
    if not may_be(question, language):
        raise Declined("other-language", f"it is not in the text's language ({language})", output)
    if found in [words(other) for other in known]:
        raise Declined("copied", "it repeats an example of the prompt", output)
    own = words(f"{titles}\n{answer}")
    mixed_in = (set(found) & set(foreign)) - set(own)
    if mixed_in:
        raise Declined("copied", f"{min(mixed_in)} comes from an example of the prompt", output)
    if not _stems(found) & _stems(own):
        raise Declined("off-topic", "no word of it stands in the text", output)
    run = longest_run(found, words(answer))
    if run >= COPIED_WORDS or (run >= 5 and run > 0.6 * len(found)):
        raise Declined("leaks", f"{run} words in a row stand in the answer", output)
    return question


def _stems(found: Iterable[str]) -> set[str]:
    """Return the beginnings of the words that say something, so that inflection does not matter."""
    return {word[:_STEM] for word in found if len(word) >= _STEM and not is_little(word)}


def _first_line(text: str) -> str:
    """Return the first line that says something, without labels, list marks and quotes."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    while len(lines) > 1 and _PREAMBLE.search(lines[0]):
        lines.pop(0)
    return _bare(lines[0]) if lines else ""


def _bare(line: str) -> str:
    while True:
        before = line
        line = _LABEL.sub("", _MARK.sub("", line)).strip()
        for opening, closing in _QUOTES:
            inside = line[len(opening) : len(line) - len(closing)]
            whole = line.startswith(opening) and line.endswith(closing)
            if whole and len(inside) > 1 and closing not in inside:
                line = inside.strip()
        if line == before:
            return " ".join(line.split())


def _until_asked(line: str) -> str:
    """Return a line up to its first question mark that ends a sentence."""
    found = re.search(r"\?+[\"”“’»)]*(?=\s|$)", line)
    if found is None:
        return line
    return _bare(line[: found.start()] + "?")


def longest_run(first: list[str], second: list[str]) -> int:
    """Return how many words in a row two texts share at most."""
    best = 0
    above = [0] * (len(second) + 1)
    for word in first:
        row = [0] * (len(second) + 1)
        for at, other in enumerate(second, 1):
            if word == other:
                row[at] = above[at - 1] + 1
                best = max(best, row[at])
        above = row
    return best
