"""Can the answer be read: are these words, in an order that makes sentences?

The bounds on word length and on the share of letters are those of Rae et al. 2021 ("Gopher",
https://arxiv.org/abs/2112.11446, section A.1.1), which are for English prose, widened so
that other languages, scripts and code keep within them.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from engine.quality.score.fault import Fault, ramp
from engine.quality.score.language import grammar_of, word_set
from engine.quality.score.spacing import sounds, spoken
from engine.quality.score.view import View

_ENOUGH = 8
_LONG_WORD = 60
_MEAN_WORD = 14.0
_COMPOUND = 15
"""Letters from which a word may be a compound."""
_NO_VOWEL = re.compile(
    r"[bcdfghjklmnpqrstvwxz]{6,}|q[bcdfghjklmnpqrstvwxyz]|x[bdfgjkqrvwz]|v[bfgjmpqwx]|w[cgjpqvxz]"
    r"|(?<![aeiou])j[bcdfghklmpqrstvwxz]"
)
_CAPITALS = re.compile(r"[A-Z]{4,}")
_INNER = re.compile(r"[^\W\d_A-Z][A-Z]")
"""A capital within a word: "HomeAboutContact" is no compound."""
_VOWELS = frozenset("aeiouy")
_STOP = re.compile(r"\. +([^\W\d_])")
_LAST = re.compile(r"[^\W\d_]+$")
_SHORTENED = word_set(
    """
    approx etc vs ca bzw usw sq ft oz lb lbs tsp tbsp min max hr hrs no al cf op pp vol fig str nr
    art inkl ex dvs resp inc dr mr mrs st
    """
)
_SIGNS = re.compile(r"[，。、！？；：]{2,}|^[，。、！？；：]", re.MULTILINE)
_BREAK = re.compile(r"[.,;:!?()\n\"“”]")


def look(view: View) -> list[Fault]:
    """Return what makes an answer hard or impossible to read."""
    faults: list[Fault] = []
    if view.code:
        return faults
    words = view.words
    faults += _signs(view)
    if len(words) >= _ENOUGH and not view.single:
        faults += _letters(view)
        faults += _order(view)
    elif view.single and len(words) >= 2 * _ENOUGH:
        faults += _order_single(view)
    faults += _wall(view)
    return faults


def _whole(code: str, weight: float, why: str) -> Fault:
    return Fault("readability", code, weight, why)


def _signs(view: View) -> list[Fault]:
    """Return the fault of a text that is more signs than letters and digits."""
    solid = view.prose.split()
    size = sum(map(len, solid))
    if size < 30:
        return []
    if sum(map(len, view.words)) > 0.6 * size:
        return []
    said = sum(unicodedata.category(c)[0] in "LMN" for piece in solid for c in piece[:1000])
    share = said / size
    weight = 0.7 * ramp(0.5 - share, 0.0, 0.35)
    if weight < 0.05 or "|" in view.prose or "$" in view.prose or "=" in view.prose:
        return []
    return [_whole("gibberish", weight, f"only {share:.0%} of the signs are letters or digits")]


def _letters(view: View) -> list[Fault]:
    words, text = view.words, view.text
    faults = []
    mean = sum(map(len, words)) / len(words)
    if mean > _MEAN_WORD:
        # A compound is as long as its language makes it.
        sizes = (_MEAN_WORD if len(w) > _MEAN_WORD and spoken(w) else len(w) for w in words)
        mean = sum(sizes) / len(words)
    if mean > _MEAN_WORD:
        weight = 0.6 * ramp(mean, _MEAN_WORD, 2 * _MEAN_WORD)
        faults.append(_whole("gibberish", weight, f"words are {mean:.0f} letters long on average"))
    latin = [w for w in view.known if len(w) > 3 and w.isascii() and w.isalpha()]
    if len(latin) >= 4 and "://" not in text:
        # Once for all words first: most texts have none such.
        pattern = _NO_VOWEL.search if _NO_VOWEL.search(" ".join(latin)) else _never
        strange = [w for w in latin if _VOWELS.isdisjoint(w) or (pattern(w) and not _joined(w))]
        names = frozenset(_CAPITALS.findall(text)) if strange else frozenset()
        odd = sum(word.upper() not in names for word in strange)  # "HTTP" is a name.
        weight = 0.75 * ramp(odd / len(latin), 0.12, 0.35)
        if weight and (odd > 2 or (odd * 3 > len(latin) and odd > 1)):
            why = f"{odd} of {len(latin)} words can't be spoken"
            faults.append(_whole("gibberish", weight, why))
    return faults


def _joined(word: str) -> bool:
    """Say whether a long word only has many consonants where its parts meet."""
    return len(word) > _COMPOUND and spoken(word) and _NO_VOWEL.search(sounds(word)) is None


def _never(_: str) -> None:
    return None


def _order(view: View) -> list[Fault]:
    """Return the fault of words that are in no order."""
    words = view.words
    scrambled, heads = 0.0, 0
    grammar = grammar_of(words)
    if grammar is not None:
        following = [second for first, second in pairwise(words) if first in grammar.heads]
        heads = len(following)
        bad = sum(map(grammar.never_after.__contains__, following))
        if heads >= 4 and bad >= 2:
            scrambled = ramp(bad / heads, 0.12, 0.32)
    lower, cased = _stops(view.text)
    if lower >= 3 or lower == cased == 2:
        scrambled = max(scrambled, 0.85 * ramp(lower / cased, 0.4, 0.8))
    if scrambled < 0.05:
        return []
    return [_whole("gibberish", 0.75 * scrambled, "the words are in no order that makes sentences")]


def _stops(text: str) -> tuple[int, int]:
    """Return after how many full stops a small letter follows, and after how many any."""
    lower = cased = 0
    for match in _STOP.finditer(text):
        letter = match[1]
        if letter.islower():
            before = _LAST.search(text, max(0, match.start() - 20), match.start())
            if before is None or len(before[0]) < 4 or before[0].lower() in _SHORTENED:
                continue
            lower += 1
            cased += 1
        elif letter.isupper():
            cased += 1
    return lower, cased


def _order_single(view: View) -> list[Fault]:
    odd = len(_SIGNS.findall(view.text))
    signs = sum(map(view.text.count, "，。、！？；："))
    if odd < 2 or odd * 12 < signs:
        return []
    weight = 0.6 * ramp(odd / signs, 0.05, 0.2)
    return [_whole("gibberish", weight, "the characters are in no order that makes sentences")]


def _wall(view: View) -> list[Fault]:
    if len(view.prose) < _LONG_WORD:
        return []
    longest_word = max(map(len, view.words), default=0)
    if not view.single and longest_word > _LONG_WORD and "http" not in view.prose:
        for word in view.words:
            if len(word) > _LONG_WORD:
                at = view.prose.find(word)
                if spoken(word) and len(_INNER.findall(view.text, at, at + len(word))) < 2:
                    continue
                why = f"a word of {len(word)} letters"
                return [Fault("readability", "gibberish", 0.35, why, at, at + len(word))]
    if len(view.prose) > 3000:
        longest = max(view.prose.split("\n"), key=len)
        weight = 0.2 * ramp(len(longest) * (2.5 if view.single else 1), 3000, 8000)
        if weight > 0.02:
            at = view.prose.find(longest)
            why = f"{len(longest):,} characters without a line break"
            return [Fault("readability", "wall", weight, why, at, at + len(longest))]
    return []
