"""Does the answer say the same again?

Two measures, both of Rae et al. 2021 ("Gopher", https://arxiv.org/abs/2112.11446, section
A.1.1), reckoned on words instead of characters and on what comes again only: the share of
words in n-grams that stood before, and the share of lines and sentences that did. Where an
answer has no words to count (one long run of signs), its compression ratio tells a loop.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence

from engine.quality.score.fault import Fault, ramp
from engine.quality.score.view import View, spans_of

_GRAM = 8
_GRAM_SINGLE = 14
_LONGEST = 200_000
_SENTENCE = re.compile(r"[^.!?。！？؟\n]+")
_ITEM = re.compile(r"[ \t]*(?:[-*+•|#]|\d)")
_SIGN = re.compile(r"[\s\W_]+")
_WINDOW = 8_192
_LOOP_RATIO = 8.0


def look(view: View) -> list[Fault]:
    """Return what is repeated in an answer."""
    words = view.words[:_LONGEST]
    size = _GRAM_SINGLE if view.single else _GRAM
    faults: list[Fault] = []
    runs = _runs(words, size) if len(words) >= 2 * size else []
    if runs:
        faults = _repeated_words(view, words, runs, size)
    faults = max(faults, _repeated_sentences(view), key=_weight)
    if not faults:
        faults = _loop(view)
    return faults


def _weight(faults: Sequence[Fault]) -> float:
    return faults[0].weight if faults else 0.0


def _runs(words: Sequence[str], size: int) -> list[tuple[int, int]]:
    """Return where words stand that stood before in the same order, as (first, past last)."""
    grams = list(map(hash, zip(*(words[shift:] for shift in range(size)), strict=False)))
    if len(set(grams)) == len(grams):
        return []
    seen: set[int] = set()
    runs: list[tuple[int, int]] = []
    for at, gram in enumerate(grams):
        if gram not in seen:
            seen.add(gram)
        elif runs and at <= runs[-1][1]:
            runs[-1] = (runs[-1][0], at + size)
        else:
            runs.append((at, at + size))
    return runs


def _repeated_words(
    view: View, words: Sequence[str], runs: Sequence[tuple[int, int]], size: int
) -> list[Fault]:
    again = sum(end - start for start, end in runs)
    share = again / len(words)
    first, past = max(runs, key=lambda run: run[1] - run[0])
    longest = past - first
    # Code and verse repeat themselves by right, up to a point.
    leave = 0.25 if view.code else 0.15 if _is_verse(view.text) else 0.0
    weight = 0.75 * ramp(share, 0.15 + leave, 0.5 + leave)
    if not leave:
        weight = max(
            weight, 0.35 * ramp(longest, 1.5 * size, 3 * size) + 0.2 * ramp(share, 0.1, 0.3)
        )
    if weight < 0.02:
        return []
    spans = spans_of(view.prose, past)
    start, end = spans[first][0], spans[past - 1][1]
    code = "loop" if share > 0.6 else "repetition"
    why = f"{share:.0%} of the words repeat what stands before, {longest} of them in one run"
    return [Fault("repetition", code, weight, why, start, end)]


def _is_verse(text: str) -> bool:
    lines = [line for line in text[:6000].splitlines() if line.strip()]
    if len(lines) < 6 or sum(map(len, lines)) > 55 * len(lines):
        return False
    return sum(1 for line in lines if _ITEM.match(line)) * 3 < len(lines)


def _repeated_sentences(view: View) -> list[Fault]:
    pieces: list[str] = _SENTENCE.findall(view.prose)
    if len(pieces) < 2:
        return []
    least = 6 if view.single else 14
    keys = [key for piece in pieces if len(key := piece.strip(" \t\"'*_-–>“”»«)(")) >= least]
    if len(set(keys)) == len(keys):
        return []
    seen: set[str] = set()
    again: list[str] = []
    adjacent = ""
    before = ""
    for key in keys:
        if key in seen:
            again.append(key)
            if key == before:
                adjacent = key
        seen.add(key)
        before = key
    share = sum(map(len, again)) / max(1, sum(map(len, keys)))
    leave = 0.3 if view.code else 0.15 if _is_verse(view.text) else 0.0
    weight = 0.75 * ramp(share, 0.08 + leave, 0.5 + leave)
    if adjacent and not view.code:
        weight = max(weight, 0.15 if leave else 0.35)
    if weight < 0.02:
        return []
    sample = adjacent or again[0]
    start = view.prose.find(sample, view.prose.find(sample) + 1)
    why = f"{_count(again)} stand{'s' if len(again) == 1 else ''} there again"
    return [Fault("repetition", "repetition", weight, why, start, start + len(sample))]


def _count(again: Sequence[str]) -> str:
    return "1 sentence or line" if len(again) == 1 else f"{len(again)} sentences or lines"


def _loop(view: View) -> list[Fault]:
    """Return a loop that compression shows."""
    if len(view.prose) < 300 or len(view.words) * 12 > len(view.prose):
        return []
    for at, window in _windows(view.prose):
        packed = _SIGN.sub(" ", window).encode("utf-8", "replace")
        if len(packed) > 200 and len(packed) > _LOOP_RATIO * len(zlib.compress(packed, 1)):
            why = "a run of signs comes again and again"
            return [Fault("repetition", "loop", 0.6, why, at, at + len(window))]
    return []


def _windows(text: str) -> Iterable[tuple[int, str]]:
    for at in range(0, len(text), _WINDOW):
        yield at, text[at : at + _WINDOW]
