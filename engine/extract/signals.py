"""Whether a section is a thought worth training on, how surely, and why.

The score is a noisy-or of independent signs, ``1 - Π(1 - weight)``: a tag or a
heading that says so, a title, folder or neighbour that suggests it, and three
lexical measures of the wording (first person, weighing, outcome). Each sign is
named in the reason that the curator reads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from engine.extract.headings import match_heading
from engine.extract.lexicon import (
    FIRST_PERSON,
    FOLDERS,
    KINDS,
    OUTCOME,
    TAGS,
    WEIGHING,
    fold,
    language,
    words,
)

SURE = 0.5
"""With signs of this weight a section is taken, whatever its wording."""

_WORDING_WITH_HINT = 0.25
_WORDING_ALONE = 0.5
_FIRST_PERSON_ALONE = 0.03
_FIRST_PERSON_HINTED = 0.015
_WORDS_ALONE = 40
# The longer a text, the less its shares owe to chance, so less is asked of them.
_LONG = 120
_WORDING_LONG = 0.42
_FIRST_PERSON_LONG = 0.045
_MATH = re.compile(r"\$\$.{1,2000}?\$\$|\$[^$\n]{1,200}\$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of a kind, with its weight from 0 to 1 and its name.

    A ``doubtful`` one has another meaning too, so that it does not stand alone.
    """

    kind: str
    weight: float
    name: str
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Wording:
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """A section's kind, score and reason; ``taken`` says whether it becomes an example."""

    taken: bool
    kind: str
    score: float
    reason: str
    language: str


def noisy_or(*weights: float) -> float:
    """Return the weight of independent signs together: ``1 - Π(1 - w)``."""
    rest = 1.0
    for weight in weights:
        rest *= 1.0 - weight
    return 1.0 - rest


def tag_signs(tags: Sequence[str], weight: float, where: str) -> list[Sign]:
    """Return a sign for each tag that names a kind."""
    found: list[Sign] = []
    for tag in tags:
        kind = next((TAGS[part] for part in fold(tag).split("/") if part in TAGS), None)
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
        # "Reflection" is also what light does.
        doubtful=match.rule.kind == "reflection",
    )


def folder_sign(path: str) -> Sign | None:
    """Return the sign in the names of a note's folders, the nearest first."""
    for name in reversed(path.split("/")[:-1]):
        kind = FOLDERS.get(fold(name).strip(" 0123456789-_."))
        if kind:
            return Sign(kind, 0.35, f"folder '{name}'")
    return None


@lru_cache(maxsize=8)
def _phrases(name: str, table: str) -> re.Pattern[str]:
    entries = {"weighing": WEIGHING, "outcome": OUTCOME}[table][name]
    longest_first = sorted(entries, key=len, reverse=True)
    return re.compile(r"(?<![\w'])(?:" + "|".join(map(re.escape, longest_first)) + r")(?![\w'])")


def wording(text: str) -> Wording:
    """Measure a text. Texts in other languages than English, Romanian and German measure 0."""
    text = _MATH.sub(" ", text)
    folded = fold(text)
    found = words(folded)
    name = language(found)
    if not name:
        return Wording("", len(found), 0.0, 0.0, 0.0)
    total = len(found)
    spoken = [word for word in found if word in FIRST_PERSON[name]]
    if name == "en" and not re.search(r"\bI\b", text) and set(spoken) <= {"i"}:
        # A small i with no other word of the first person is an index, not a person.
        spoken = []
    first = len(spoken) / total
    weighing = 100 * len(_phrases(name, "weighing").findall(folded)) / total
    outcome = 100 * len(_phrases(name, "outcome").findall(folded)) / total
    return Wording(name, total, round(first, 3), round(weighing, 2), round(outcome, 2))


def _is_personal(measured: Wording) -> bool:
    """Say whether somebody speaks of themselves; in other languages that can't be told."""
    return not measured.language or measured.first_person > 0 or measured.outcome > 0


def judge(signs: Sequence[Sign], measured: Wording) -> Verdict:
    """Weigh the signs of a section against its wording.

    Args:
        signs: What tags, headings, titles and folders say, the nearest first: of two
            kinds with equal weight the first wins.
        measured: The wording of the section's prose.
    """
    if len(signs) == 1 and signs[0].doubtful and not _is_personal(measured):
        signs = [replace(signs[0], weight=min(signs[0].weight, SURE - 0.1))]
    explicit = noisy_or(*(sign.weight for sign in signs))
    score = round(noisy_or(explicit, measured.score), 2)
    alone = (
        measured.score >= _WORDING_ALONE
        and measured.first_person >= _FIRST_PERSON_ALONE
        and measured.words >= _WORDS_ALONE
    ) or (
        measured.score >= _WORDING_LONG
        and measured.first_person >= _FIRST_PERSON_LONG
        and measured.words >= _LONG
    )
    hinted = (
        explicit > 0
        and measured.score >= _WORDING_WITH_HINT
        and measured.first_person >= _FIRST_PERSON_HINTED
    )
    weights = dict.fromkeys(KINDS, 0.0)
    for sign in signs:
        weights[sign.kind] = noisy_or(weights[sign.kind], sign.weight)
    kind = max(weights, key=lambda name: weights[name]) if signs else "reflection"
    if signs and weights[signs[0].kind] == weights[kind]:
        kind = signs[0].kind
    reasons = [sign.name for sign in signs] + measured.reasons()
    return Verdict(
        taken=explicit >= SURE or hinted or alone,
        kind=kind,
        score=score,
        reason="; ".join(dict.fromkeys(reasons)),
        language=measured.language or "en",
    )
