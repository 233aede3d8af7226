"""The check: languages of the turns and the example, and what doesn't fit together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.errors import CheckError
from engine.language import KNOWN, UNTOLD, Detector, Told, related
from engine.models import Flag, Turn
from engine.quality.base import Finding
from engine.quality.language.passages import Passage, passages, prose, unquoted
from engine.quality.language.requests import asks_for_language

RULES = "1"

MINORITY_LETTERS = 60
"""Letters that a passage in another language has at least."""

MINORITY_SURE = 0.85
"""How sure its language must be."""

MINORITY_FLAGS = 5
"""Passages that are shown of one turn; the reason says how many there are."""

WHOLE_PASSAGES = 20
"""First passages by which together a text is told that no single one of them tells."""

WHOLE = 4000
"""Characters of a turn that count where the whole example is told together."""

NAME = 60
"""Letters below which a text of capitalised words is a name, and in no language."""

ASKED = 0.3
"""What remains of a score where another language may have been asked for."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """The languages of one turn.

    Args:
        told: That of most of it.
        letters: How many letters that rests on.
        others: Passages that are surely in another, with theirs.
        present: Every language of it that is told.
    """

    told: Told
    letters: int
    others: tuple[tuple[Passage, Told], ...]
    present: frozenset[str]


class LanguageCheck:
    """Tells languages, and flags texts in several, in the wrong one, or in an unexpected one.

    Args:
        expected: ISO 639-1 codes ("en", "ro"); an example in any other is flagged.
        languages: The only ones to consider; none means all that are known.

    Raises:
        CheckError: A code is none of a language that is known.
    """

    name = "language"

    def __init__(self, *, expected: Sequence[str] = (), languages: Sequence[str] = ()) -> None:
        self._expected = tuple(sorted({_code(language) for language in expected}))
        self._languages = tuple(sorted({_code(language) for language in languages}))
        self._detector = Detector(self._languages)

    @property
    def version(self) -> str:
        """Its rules, the library, and the options."""
        options = f"{','.join(self._expected)};{','.join(self._languages)}"
        return f"{RULES} {self._detector.version} {options}"

    def look(self, turns: Sequence[Turn]) -> Finding:
        """Look at a conversation; see :class:`engine.quality.base.Check`."""
        spoken = [self.speak(turn.content) for turn in turns]
        whole = example_language(turns, spoken)
        if not whole.language:
            # A short question and its short answer may be enough together.
            told = "\n".join(turn.content[:WHOLE] for turn in turns[:4] if turn.role != "system")
            whole = self._detector.tell(" ".join(prose(told).split()))
        flags = _mixed(turns, spoken)
        flags += _mixed_answers(turns, spoken)
        flags += _differing(turns, spoken)
        if self._expected and whole.language and whole.language not in self._expected:
            expected = " or ".join(self._expected)
            reason = f"is in {whole.language}, not in {expected}"
            flags.append(Flag("language", "unexpected", whole.confidence, reason))
        measures: dict[str, float | str] = {
            "language": whole.language,
            "language.confidence": whole.confidence,
        }
        return Finding(tuple(flags), measures)

    def speak(self, content: str) -> Spoken:
        """Return the languages of one turn's text."""
        bare = unquoted(content)
        own = prose(bare)
        cut = passages(own)
        if bare != content:
            full = passages(prose(content))
            # A text that is all quotation is judged by what it quotes.
            if sum(passage.letters for passage in cut) * 4 < sum(one.letters for one in full):
                cut = full
        pairs = [(passage, self._tell(passage)) for passage in cut]
        told, letters = _most(pairs)
        if not told.language and len(cut) > 1:
            parts = [
                one for one in cut[:WHOLE_PASSAGES] if one.letters >= NAME or not _is_name(one.text)
            ]
            told = self._detector.tell(" ".join(" ".join(one.text.split()) for one in parts))
            letters = sum(one.letters for one in parts)
        others = tuple(
            (passage, other)
            for passage, other in _joined(pairs, content)
            if not related(other.language, told.language) and passage.letters >= MINORITY_LETTERS
        )
        present = {other.language for _, other in pairs} | {told.language}
        return Spoken(told, letters, others if told.language else (), frozenset(present - {""}))

    def _tell(self, passage: Passage) -> Told:
        if passage.letters < NAME and _is_name(passage.text):
            return UNTOLD
        return self._detector.tell(" ".join(passage.text.split()), passage.letters)


def example_language(turns: Sequence[Turn], spoken: Sequence[Spoken]) -> Told:
    """Return an example's language: of its answers, else its questions, else the system's text."""
    for role in ("assistant", "user", "system", "tool"):
        told = [
            (one.letters, one.told)
            for turn, one in zip(turns, spoken, strict=True)
            if turn.role == role and one.told.language
        ]
        if told:
            return _weighed(told)
    return UNTOLD


def _code(language: str) -> str:
    code = language.strip().lower().replace("_", "-").partition("-")[0]
    code = {"nb": "no", "nn": "no", "iw": "he", "in": "id"}.get(code, code)
    if code not in KNOWN:
        raise CheckError(
            f"{language!r} is no language that can be told",
            hint="Give two-letter codes of ISO 639-1, such as en, ro or de.",
        )
    return code


def _is_name(text: str) -> bool:
    """Say whether nearly every word begins with a capital: a name or title, not a sentence."""
    first = [word.lstrip("([\"'„“«*-")[:1] for word in text.split()]
    begins = [sign for sign in first if sign.isalpha()]
    return sum(map(str.isupper, begins)) * 10 > len(begins) * 7 and not text.isupper()


def _most(pairs: Sequence[tuple[Passage, Told]]) -> tuple[Told, int]:
    told = [(passage.letters, one) for passage, one in pairs if one.language]
    if not told:
        return UNTOLD, 0
    return _weighed(told), sum(letters for letters, _ in told)


def _weighed(told: Sequence[tuple[int, Told]]) -> Told:
    letters: Counter[str] = Counter()
    sure: dict[str, float] = defaultdict(float)
    for count, one in told:
        letters[one.language] += count
        sure[one.language] += count * one.confidence
    # Of equals the first in the alphabet, so that the order of turns doesn't matter.
    best = min(letters, key=lambda language: (-letters[language], language))
    return Told(best, round(sure[best] / sum(letters.values()), 3))


def _joined(pairs: Sequence[tuple[Passage, Told]], text: str) -> list[tuple[Passage, Told]]:
    """Join neighbouring passages of one language; those that aren't sure are left out."""
    joined: list[tuple[Passage, Told]] = []
    last = ""
    for passage, told in pairs:
        if told.confidence < MINORITY_SURE:
            last = ""
            continue
        if told.language == last:
            before, was = joined.pop()
            start, end = before.start, passage.end
            passage = Passage(text[start:end], start, end, before.letters + passage.letters)
            told = Told(told.language, max(was.confidence, told.confidence))
        joined.append((passage, told))
        last = told.language
    return joined


def _mixed(turns: Sequence[Turn], spoken: Sequence[Spoken]) -> list[Flag]:
    """Flag passages of answers; what a question brings along may be in any language."""
    flags: list[Flag] = []
    asked = False
    for index, (turn, one) in enumerate(zip(turns, spoken, strict=True)):
        if turn.role != "assistant":
            asked = asked or (turn.role != "tool" and asks_for_language(turn.content))
            continue
        total = len(one.others)
        for passage, other in one.others[:MINORITY_FLAGS]:
            score = other.confidence
            reason = f"a passage in {other.language}, where the rest is in {one.told.language}"
            if total > 1:
                reason += f" (one of {total})"
            if asked:
                reason += "; another language may have been asked for"
                score = round(score * ASKED, 3)
            place = passage.start, passage.end
            flags.append(Flag("language", "mixed", score, reason, index, *place))
    return flags


def _mixed_answers(turns: Sequence[Turn], spoken: Sequence[Spoken]) -> list[Flag]:
    """Flag a conversation whose answers change their language; less where its questions do too."""
    told = [
        (index, one.told)
        for index, (turn, one) in enumerate(zip(turns, spoken, strict=True))
        if turn.role == "assistant" and one.told.confidence >= MINORITY_SURE
    ]
    for (_, before), (index, after) in pairwise(told):
        if not related(before.language, after.language):
            reason = f"an answer in {before.language} and one in {after.language}"
            score = min(before.confidence, after.confidence)
            question = turns[index - 1], spoken[index - 1]
            if question[0].role == "user" and after.language in question[1].present:
                reason += ", as asked"
                score *= ASKED
            return [Flag("language", "mixed", round(score, 3), reason)]
    return []


def _differing(turns: Sequence[Turn], spoken: Sequence[Spoken]) -> list[Flag]:
    flags: list[Flag] = []
    asked = -1
    system = any(turn.role == "system" and asks_for_language(turn.content) for turn in turns)
    for index, turn in enumerate(turns):
        if turn.role == "user":
            asked = index
        if turn.role != "assistant" or asked < 0:
            continue
        question, answer = spoken[asked], spoken[index]
        if not question.told.language or not answer.told.language:
            continue
        if any(related(answer.told.language, language) for language in question.present):
            continue
        # An extract of what was given in the question, such as a title, is in its own language.
        if answer.letters < NAME and turn.content.strip() in turns[asked].content:
            continue
        score = min(question.told.confidence, answer.told.confidence)
        reason = f"asked in {question.told.language}, answered in {answer.told.language}"
        if system or asks_for_language(turns[asked].content):
            reason += "; another language may have been asked for"
            score *= ASKED
        flags.append(Flag("language", "answer-differs", round(score, 3), reason, index))
    return flags
