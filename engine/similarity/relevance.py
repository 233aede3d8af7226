"""Answers that fit other questions better than their own: swapped rows, shifted columns.

An answer is usually nearer to its own question than nearly all other answers are, and a question
to its own answer. Both shares of others that are nearer are taken, and the lesser one counts, so
that neither an answer in general words nor a vague question is enough. Ranks, not similarities,
are compared: how near an answer stands to its question differs between kinds of text, languages
and models.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.models import Card, Flag
from engine.similarity.cache import VectorCache
from engine.similarity.reading import Reading, Sides
from engine.similarity.texts import TextPair, parts
from engine.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

CODE = "off-topic"

FEWEST_OTHERS = 20
"""With fewer others to compare with, a share of them says too little."""

SHORT_ANSWER = 64
"""Answers of fewer characters, such as "Yes", a label or a number, are near to nothing."""

SHORT_QUESTION = 16
"""Questions of fewer characters, such as "Go on.", say not what is asked for."""

OFTEN = 3
"""A question that has so many different answers, such as "What stays with you?", fits all."""

_SAMPLE = 512
_CHUNK = 4096
_CARDS_AT_ONCE = 256
_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")


def off_topic(
    store: Store, reading: Reading, cache: VectorCache, share: float, *, latin: bool
) -> dict[int, Flag]:
    """Return a flag for each example whose answer fits other questions better than its own.

    Others are up to 512 examples with both sides, chosen by hash; where the language is known,
    and there are enough of them, those of the same language alone.

    Args:
        store: Where the texts are; only those that may get a flag are read.
        reading: All examples.
        cache: Their vectors.
        share: Which share of the others must fit better, from 0 to 1; 1 flags none.
        latin: Whether the model knows Latin letters alone; texts in others are left out then.
    """
    if share >= 1:
        return {}
    suspects: dict[int, float] = {}
    whole = [at for at, one in reading.sides.items() if one.prompt and one.answer]
    answers: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for at in whole:
        answers[reading.sides[at].prompt].add(reading.sides[at].answer)
    asked_often = {prompt for prompt, some in answers.items() if len(some) >= OFTEN}
    of_all = _sample(whole, reading.sides)
    for positions, others in _by_language(whole, reading, of_all):
        own = [
            at
            for at in positions
            if reading.sides[at].answer_length >= SHORT_ANSWER
            and reading.sides[at].prompt not in asked_often
        ]
        shares = shares_of(own, others, reading.sides, cache)
        suspects.update((at, one) for at, one in shares.items() if one > share)
    found: dict[int, Flag] = {}
    places = sorted(suspects)
    for start in range(0, len(places), _CARDS_AT_ONCE):
        for card in store.cards_at(places[start : start + _CARDS_AT_ONCE]):
            if can_be_judged(parts(card.turns), latin=latin):
                found[card.position] = _flag(card, suspects[card.position])
    return found


def _sample(positions: Iterable[int], sides: Mapping[int, Sides]) -> list[int]:
    """Return some examples, one of each text, that are the same ones in every run."""
    by_text = {(sides[at].answer, sides[at].prompt): at for at in positions}
    return [by_text[key] for key in sorted(by_text)[:_SAMPLE]]


def _by_language(
    positions: Sequence[int], reading: Reading, of_all: list[int]
) -> list[tuple[list[int], list[int]]]:
    """Return examples with those that they are compared with."""
    by_language: defaultdict[str, list[int]] = defaultdict(list)
    for at in positions:
        by_language[reading.about[at].language].append(at)
    found = []
    for language, some in by_language.items():
        others = _sample(some, reading.sides) if language else of_all
        found.append((some, others if len(others) > FEWEST_OTHERS else of_all))
    return found


def shares_of(
    positions: Sequence[int], others: Sequence[int], sides: Mapping[int, Sides], cache: VectorCache
) -> dict[int, float]:
    """Return which share of others fits better, by the side on which fewer do.

    Args:
        positions: The examples that are looked at.
        others: Those that they are compared with; what shares a text with one is left out.
        sides: The keys of all of them.
        cache: Their vectors.

    Returns:
        Shares from 0 to 1; none for an example that has no vectors or too few others.
    """
    if not positions or len(others) <= FEWEST_OTHERS:
        return {}
    questions = _rows(cache, [sides[at].prompt for at in others])
    answers = _rows(cache, [sides[at].answer for at in others])
    prompt_keys = np.array([sides[at].prompt for at in others], object)
    answer_keys = np.array([sides[at].answer for at in others], object)
    there = questions.any(axis=1) & answers.any(axis=1)
    found: dict[int, float] = {}
    for start in range(0, len(positions), _CHUNK):
        some = positions[start : start + _CHUNK]
        asked = _rows(cache, [sides[at].prompt for at in some])
        said = _rows(cache, [sides[at].answer for at in some])
        own = (asked * said).sum(axis=1, keepdims=True)
        mine_asked = np.array([sides[at].prompt for at in some], object)[:, None]
        mine_said = np.array([sides[at].answer for at in some], object)[:, None]
        counts = (mine_asked != prompt_keys) & (mine_said != answer_keys) & there
        number = counts.sum(axis=1)
        least = np.minimum(
            ((asked @ answers.T >= own) & counts).sum(axis=1),
            ((said @ questions.T >= own) & counts).sum(axis=1),
        )
        known = asked.any(axis=1) & said.any(axis=1) & (number >= FEWEST_OTHERS)
        found.update(
            (at, float(few / of))
            for at, few, of, sound in zip(some, least, number, known, strict=True)
            if sound
        )
    return found


def _rows(cache: VectorCache, keys: Sequence[bytes]) -> NDArray[np.float32]:
    return np.nan_to_num(cache.load(keys), copy=False, nan=0.0)


def can_be_judged(pair: TextPair, *, latin: bool) -> bool:
    """Say whether both sides say enough, in letters that the model knows."""
    if len(pair.prompt.strip()) < SHORT_QUESTION or len(pair.answer.strip()) < SHORT_ANSWER:
        return False
    if not latin:
        return True
    letters = Counter(bool(_LATIN.match(one)) for one in _LETTER.findall(pair.answer[:2_000]))
    return letters[True] > letters[False]


def _flag(card: Card, share: float) -> Flag:
    said = [number for number, turn in enumerate(card.turns) if turn.role == "assistant"]
    reason = f"{share:.0%} of other questions fit this answer better than its own"
    return Flag("quality", CODE, round(share, 3), reason, said[0] if len(said) == 1 else -1)
