"""What a model wrote, taken apart into examples, and what may stay of it.

The filters are those of self-instruct (Wang et al. 2022, https://arxiv.org/abs/2212.10560,
section 2.2), and some that its authors' later readers added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.compose.cleaning import DECLINES, PLACEHOLDER
from engine.compose.language import may_be, words
from engine.compose.rouge import Pool, rouge_l, tokens
from engine.compose.seeds import Pair
from engine.compose.writer import without_thoughts

ALIKE = 0.7
"""From this ROUGE-L on, two questions count as the same."""

QUESTION_WORDS = (3, 150)
ANSWER_WORDS = (2, 1_000)
END = "###"

_QUESTION = re.compile(
    r"^[ \t]*(?:\d{1,3}[.)][ \t]*)?(?:\*\*)?(?:question|întrebare|intrebare|frage|instruction)"
    r"[ \t]*\d*[ \t]*(?:\*\*)?[ \t]*:[ \t]*(?:\*\*)?[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
_ANSWER = re.compile(
    r"^[ \t]*(?:\*\*)?(?:answer|răspuns|raspuns|antwort|output)"
    r"[ \t]*\d*[ \t]*(?:\*\*)?[ \t]*:[ \t]*(?:\*\*)?[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
_ENDED = re.compile(r"""[.!?…:)\]}"'”“’»`|]\s*\Z""")
_KEYWORDS = re.compile(
    r"\b(?:images?|pictures?|photos?|graphs?|files?|maps?|draw|plot|diagrams?|flowcharts?|videos?"
    r"|audio|attached|above|screenshots?"
    r"|imagin(?:e|ea|ile)|poz(?:a|ă|e|ele)|fotografi(?:a|e|i)|grafic(?:ul)?|fișier(?:ul)?|hart(?:a|ă)"
    r"|desenează|diagram(?:a|ă)|videoclip(?:ul)?|atașat(?:ă)?"
    r"|bild(?:er)?|fotos?|grafik(?:en)?|datei(?:en)?|karten?|zeichne|diagramme?|angehängt)\b"
    r"|https?://|www\.",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that a model wrote and that is not taken."""

    code: str
    reason: str
    question: str = ""


def harvest(output: str, language: str) -> Iterator[Pair | Rejected]:
    """Yield the questions with their answers that stand in a model's text.

    Args:
        output: What the model wrote.
        language: The language that it was asked to write in.
    """
    text = without_thoughts(output)
    marks = list(_QUESTION.finditer(text))
    if not marks:
        yield Rejected("malformed", "it wrote no question in the form asked for")
        return
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=True):
        part, closed, _ = text[mark.end() : end].partition(END)
        found = _ANSWER.search(part)
        question = " ".join((part[: found.start()] if found else part).split())
        answer = part[found.end() :].strip() if found else ""
        if not question or not answer:
            yield Rejected("malformed", "a question without an answer", question)
        elif end == len(text) and not closed and not _ENDED.search(answer):
            yield Rejected("cut-off", "its answer breaks off", question)
        else:
            yield Pair(question, answer, language)


class Sieve:
    """Lets through what is new and fit; what passed is known from then on."""

    def __init__(self) -> None:
        self._questions = Pool()
        self._answers: set[tuple[str, ...]] = set()

    def know(self, pair: Pair) -> None:
        """Take a pair in that is there already."""
        self._questions.add(pair.question)
        self._answers.add(tokens(pair.answer))

    def judge(self, pair: Pair) -> Rejected | None:
        """Return why a pair is not taken; None where it is, and is known from now on."""
        found = _unfit(pair)
        if found is None and tokens(pair.answer) in self._answers:
            found = ("same-answer", "another example has the same answer")
        if found is None:
            likeness, other = self._questions.nearest(pair.question, ALIKE)
            if other:
                shown = other if len(other) <= 60 else other[:59] + "…"
                found = ("similar", f"ROUGE-L {likeness:.2f} with: {' '.join(shown.split())}")
        if found is not None:
            return Rejected(*found, pair.question)
        self.know(pair)
        return None


def _unfit(pair: Pair) -> tuple[str, str] | None:
    """Return code and reason of what speaks against a pair by itself."""
    for what, text, (low, high) in (
        ("question", pair.question, QUESTION_WORDS),
        ("answer", pair.answer, ANSWER_WORDS),
    ):
        count = len(text.split())
        if count < low:
            return "too-short", f"the {what} has {count} words"
        if count > high:
            return "too-long", f"the {what} has {count:,} words"
    keyword = _KEYWORDS.search(pair.question)
    if keyword is not None:
        return "keyword", f"the question needs more than words: {keyword[0]}"
    if not (pair.question[0].isalnum() or pair.question[0] in "\"'„“«¿"):
        return "punctuation", "the question begins with a sign"
    if PLACEHOLDER.search(pair.question):
        return "placeholder", "a part of the question is left open"
    if DECLINES.match(pair.answer):
        return "model-declined", "the answer is none"
    if not may_be(pair.question, pair.language):
        return "other-language", f"the question is not in {pair.language}"
    if len(words(pair.answer)) >= 6 and not may_be(pair.answer, pair.language):
        return "other-language", f"the answer is not in {pair.language}"
    if rouge_l(tokens(pair.question), tokens(pair.answer)) >= ALIKE:
        return "echo", "the answer repeats the question"
    return None
