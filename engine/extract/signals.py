"""Whether a section is a thought worth training on, how surely, and why.

The score is a noisy-or of independent signs, ``1 - Π(1 - weight)``: a tag or a
heading that says so, a title, folder or neighbour that suggests it, and three
lexical measures of the wording (first person, weighing, outcome). Each sign is
named in the reason that the curator reads.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from engine.extract.headings import is_doubtful, match_heading
from engine.extract.languages import languages
from engine.extract.letters import count_words, fold, letters, tokens
from engine.extract.lexicon import KINDS, first_person, folders, spoken_in, tags
from engine.extract.telling import tell
from engine.sources.blocks import Block

SURE = 0.5
"""With signs of this weight a section is taken, whatever its wording."""

_WORDING_WITH_HINT = 0.25
_WORDING_ALONE = 0.5
FIRST_PERSON_ALONE = 0.03
FIRST_PERSON_HINTED = 0.015
FIRST_PERSON_TAGGED = 0.018
WORDS_ALONE = 25
"""The fewest words that are taken for their wording alone."""

# In a shorter text one word makes much of the shares: it must say how something went, and say
# "I" more than once.
_ENOUGH_WORDS = 40
_PERSONS_OF_SHORT = 2

# The longer a text, the less its shares owe to chance, so less is asked of them.
_LONG = 120
_FIRST_PERSON_TOLD = 0.06
_WORDING_LONG = 0.42
_FIRST_PERSON_LONG = 0.045
_CAPITAL_I = re.compile(r"\bI\b")
_MATH = re.compile(r"\$\$.{1,2000}?\$\$|\$[^$\n]{1,200}\$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of a kind, with its weight from 0 to 1 and its name.

    A ``doubtful`` one has another meaning too, so that it does not stand alone. A ``loose`` one
    is part of a longer name, as in "Thought experiment", and only repeats what a note says.
    """

    kind: str
    weight: float
    name: str
    doubtful: bool = False
    loose: bool = False


class Wording(NamedTuple):
    """Lexical measures of a text: shares of its words, and hits for each hundred words."""

    language: str
    words: int
    first_person: float
    weighing: float
    outcome: float

    @property
    def score(self) -> float:
        """How much the wording sounds like somebody thinking, from 0 to 0.63."""
        return round(
            noisy_or(
                0.35 * min(self.first_person / 0.08, 1.0),
                0.25 * min(self.weighing / 2.5, 1.0),
                0.25 * min(self.outcome / 1.5, 1.0),
            ),
            3,
        )

    def reasons(self) -> list[str]:
        """Return the measures that count, for a person."""
        found: list[str] = []
        if self.first_person >= 0.01:
            found.append(f"first person {self.first_person:.2f}")
        if self.weighing >= 0.5:
            found.append(f"weighing {self.weighing:.1f}")
        if self.outcome >= 0.5:
            found.append(f"outcome {self.outcome:.1f}")
        return found


class Verdict(NamedTuple):
    """A section's kind, score and reason; ``taken`` says whether it becomes an example.

    ``sure`` says that tags, headings and the like are enough, whatever its wording.
    """

    taken: bool
    kind: str
    score: float
    reason: str
    language: str
    sure: bool = False


def noisy_or(*weights: float) -> float:
    """Return the weight of independent signs together: ``1 - Π(1 - w)``."""
    rest = 1.0
    for weight in weights:
        rest *= 1.0 - weight
    return 1.0 - rest


def tag_signs(written: Sequence[str], weight: float, where: str) -> list[Sign]:
    """Return a sign for each tag that names a kind."""
    found: list[Sign] = []
    kinds = tags()
    for tag in written:
        kind = next((kinds[part] for part in fold(tag).split("/") if part in kinds), None)
        if kind:
            found.append(Sign(kind, weight, f"{where}tag #{tag}"))
    return found


def heading_sign(heading: str) -> Sign | None:
    """Return the sign in a section's own heading."""
    match = match_heading(heading)
    if match is None:
        return None
    return Sign(
        match.rule.kind,
        0.6 if match.strong else 0.4,
        f"heading '{heading[:60]}'",
        # "Reflection" is also what light does, and a course has lessons.
        doubtful=match.rule.kind == "reflection" or is_doubtful(heading),
        loose=not match.connected,
    )


def folder_sign(path: str) -> Sign | None:
    """Return the sign in the names of a note's folders, the nearest first."""
    for name in reversed(path.split("/")[:-1]):
        kind = folders().get(fold(name).strip(" 0123456789-_."))
        if kind:
            return Sign(kind, 0.35, f"folder '{name}'")
    return None


class Phrases:
    """A table of words and phrases, made ready to be counted in a text.

    A phrase is looked for only where all its words are there. One that holds other
    entries of the table counts once, not once for each of them.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        self._single = frozenset(entry for entry in entries if " " not in entry)
        self._longer: dict[str, list[tuple[list[str], re.Pattern[str], int]]] = {}
        for entry in entries:
            first, *rest = entry.split()
            if rest:
                inside = sum(f" {other} " in f" {entry} " for other in entries)
                pattern = re.compile(rf"{re.escape(entry)}(?<![\w']{re.escape(entry)})(?![\w'])")
                # It is inside of itself too.
                self._longer.setdefault(first, []).append((rest, pattern, 2 - inside))
        self._firsts = frozenset(self._longer)

    def count(self, counts: Mapping[str, int], lettered: str) -> int:
        """Return how many entries stand in a text.

        Args:
            counts: How often each word stands in it.
            lettered: Its words; where a sign stood between two, there is more than one space.
        """
        words = counts.keys()
        total = sum([counts[word] for word in words & self._single])
        for first in words & self._firsts:
            for rest, pattern, worth in self._longer[first]:
                if words >= set(rest):
                    total += worth * len(pattern.findall(lettered))
        return total


@lru_cache(maxsize=32)
def _not_first_person(name: str) -> Phrases:
    return Phrases(languages()[name].not_first_person)


@lru_cache(maxsize=32)
def _weighing(name: str) -> Phrases:
    return Phrases(languages()[name].weighing)


@lru_cache(maxsize=32)
def _outcome(name: str) -> Phrases:
    return Phrases(languages()[name].outcome)


def wording(text: str, prior: Callable[[], str] = str) -> Wording:
    """Measure a text. Texts in languages without a table measure 0."""
    text = _MATH.sub(" ", text) if text.count("$") > 1 else text
    return _measure(letters((text,))[0], lambda: text, phrases=True, prior=prior)


def wording_of(
    parts: Sequence[Block], *, phrases: bool = True, prior: Callable[[], str] = str
) -> Wording:
    """Measure the prose of some blocks whose words are known.

    Args:
        parts: The blocks; code is left out.
        phrases: Whether weighing and outcome are wanted where nobody speaks of themselves.
        prior: Returns the language of the note that they stand in.
    """
    said = [part for part in parts if part.kind != "code" and not part.letters.isspace()]

    def text() -> str:
        return "\n\n".join([part.text for part in said])

    if has_formulas(said):
        return wording(text(), prior)
    lettered = "".join([part.letters for part in said])
    return _measure(lettered, text, phrases=phrases, prior=prior)


def has_formulas(parts: Sequence[Block]) -> bool:
    """Say whether mathematics may stand in some blocks."""
    return "$" in "".join([part.text for part in parts])


def may_stand_alone(persons: Sequence[str], total: int, formulas: Callable[[], bool]) -> bool:
    """Say, fast, whether a text may be taken for its wording alone, whatever its language.

    Args:
        persons: The words of the first person in it, of any language.
        total: How many words it has.
        formulas: Says whether mathematics may stand in it, of which the words do not count.
    """
    if total < WORDS_ALONE or len(persons) < WORDS_ALONE * FIRST_PERSON_ALONE:
        return False
    if formulas():
        return True
    most = max(spoken_in(persons).values(), default=0)
    return round(most / total, 3) >= FIRST_PERSON_ALONE


def _measure(
    lettered: str, text: Callable[[], str], *, phrases: bool, prior: Callable[[], str] = str
) -> Wording:
    """Measure a text by its words.

    Args:
        lettered: Its words as :func:`engine.extract.lexicon.letters` returns them.
        text: Returns the text.
        phrases: Whether weighing and outcome are wanted where nobody speaks of themselves.
        prior: Returns the language of the note.
    """
    total = count_words((lettered,))[0]
    name = tell(lettered, text, prior)
    table = languages().get(name)
    if table is None or not total:
        return Wording(name, total, 0.0, 0.0, 0.0)
    counts = Counter(tokens(lettered))
    spoken = [word for word in first_person(lettered) if word in table.first_person]
    if name == "en" and set(spoken) <= {"i"} and not (spoken and _CAPITAL_I.search(text())):
        # A small i with no other word of the first person is an index, not a person.
        spoken = []
    others = _not_first_person(name).count(counts, lettered) if spoken else 0
    first = round(max(len(spoken) - others, 0) / total, 3)
    if not phrases and first < FIRST_PERSON_ALONE:
        return Wording(name, total, first, 0.0, 0.0)
    if "-" in lettered:
        for word in [word for word in counts if "-" in word]:
            for part in word.split("-"):
                counts[part] += counts[word]
    weighing = 100 * _weighing(name).count(counts, lettered) / total
    outcome = 100 * _outcome(name).count(counts, lettered) / total
    return Wording(name, total, first, round(weighing, 2), round(outcome, 2))


@lru_cache(maxsize=32)
def _supposing(name: str) -> re.Pattern[str] | None:
    phrases = languages()[name].supposing if name in languages() else ()
    found = "|".join(re.escape(phrase) for phrase in phrases)
    return re.compile(rf"(?:^|[.!?:;]\s+)\W*(?:\w+ )?(?:{found})\b", re.M) if found else None


def is_made_up(measured: Wording, parts: Sequence[Block]) -> bool:
    """Say whether a text makes something up to argue with: "Suppose I stand on the bridge"."""
    pattern = _supposing(measured.language)
    return pattern is not None and any(pattern.search(fold(part.text)) for part in parts)


def _is_personal(measured: Wording) -> bool:
    """Say whether somebody speaks of themselves; in other languages that can't be told."""
    known = measured.language in languages()
    return not known or measured.first_person > 0 or measured.outcome > 0


def is_hinted(measured: Wording) -> bool:
    """Say whether a wording is personal enough for a section of which something speaks for it."""
    return measured.score >= _WORDING_WITH_HINT and measured.first_person >= FIRST_PERSON_HINTED


def judge(signs: Sequence[Sign], measured: Wording, *, own: bool = True) -> Verdict:
    """Weigh the signs of a section against its wording.

    Args:
        signs: What tags, headings, titles and folders say, the nearest first: of two
            kinds with equal weight the first wins.
        measured: The wording of the section's prose.
        own: Whether its wording is the writer's; where it is not, the signs must be enough.
    """
    name = measured.language
    worded = measured.score
    alone = (
        worded >= _WORDING_ALONE
        and measured.first_person >= FIRST_PERSON_ALONE
        and measured.words >= WORDS_ALONE
    ) or (
        worded >= _WORDING_LONG
        and measured.first_person >= _FIRST_PERSON_LONG
        and measured.words >= _LONG
    )
    # Who only weighs may argue for somebody else; who says how it went has been there.
    told = measured.outcome > 0 or measured.first_person >= _FIRST_PERSON_TOLD
    if measured.words < _ENOUGH_WORDS:
        persons = round(measured.first_person * measured.words)
        told = measured.outcome > 0 and persons >= _PERSONS_OF_SHORT
    alone = alone and own and told
    if not signs:
        reason = "; ".join(measured.reasons()) if alone else ""
        return Verdict(alone, "reflection", round(worded, 2), reason, name)
    if len(signs) == 1 and signs[0].doubtful and not _is_personal(measured):
        signs = [replace(signs[0], weight=min(signs[0].weight, SURE - 0.1))]
    explicit = noisy_or(*(sign.weight for sign in signs))
    hinted = own and is_hinted(measured)
    weights = dict.fromkeys(KINDS, 0.0)
    for sign in signs:
        weights[sign.kind] = noisy_or(weights[sign.kind], sign.weight)
    kind = max(weights, key=lambda name: weights[name])
    if weights[signs[0].kind] == weights[kind]:
        kind = signs[0].kind
    reasons = [sign.name for sign in signs] + measured.reasons()
    return Verdict(
        taken=explicit >= SURE or hinted or alone,
        kind=kind,
        score=round(noisy_or(explicit, worded), 2),
        reason="; ".join(dict.fromkeys(reasons)),
        language=name,
        sure=explicit >= SURE,
    )
