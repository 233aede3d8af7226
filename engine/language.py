"""The language of a piece of prose, by py3langid with a preference for common languages.

py3langid scores sequences of bytes by naive Bayes (Lui and Baldwin, "langid.py: an
off-the-shelf language identification tool", ACL 2012). Two things are added, each
measured in ``docs/checks-language.md``: the text is given a space at each end, so that
first and last words count as whole words; and a language that few people write in needs
more evidence than a common one, since short text in a common language is otherwise often
taken for an unusual one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any

COMMON = (
    *(
        "en",
        "ro",
        "de",
        "fr",
        "es",
        "it",
        "pt",
        "nl",
        "pl",
        "cs",
        "hu",
        "bg",
        "ru",
        "uk",
        "tr",
        "el",
    ),
    *("ar", "he", "zh", "ja", "ko", "hi", "sv", "da", "fi"),
)
"""Languages that are taken for granted; any other that the library knows needs more evidence."""

RARE = 15.0
"""What a language outside :data:`COMMON` is behind by, in nats."""

FEWEST = 10
"""Letters below which no language is told."""

SHORT = 25
"""Letters below which a text needs :data:`SURE_SHORT`."""

SURE = 0.5
SURE_SHORT = 0.75
"""Confidences below which no language is told."""

_WIDE = "\u2e80"
_COMMON = frozenset(COMMON)
_NEGLIGIBLE = 14.0

# What the library tells apart and ISO 639-1 has one code for, or one reader reads as one.
_SAME = {"nn": "no", "yue": "zh", "wuu": "zh", "arz": "ar", "ary": "ar", "uzs": "uz", "sdh": "ku"}
# Nearly the same in writing: none is told to be mixed with, or an answer to, another.
_NEAR = (
    *(("hr", "bs", "sr", "sl"), ("no", "da", "sv"), ("cs", "sk"), ("id", "ms", "jv"), ("pt", "gl")),
    *(
        ("es", "gl", "ca", "an"),
        ("nl", "af", "fy"),
        ("bg", "mk"),
        ("ru", "uk", "be"),
        ("hi", "mr", "ne"),
    ),
)


@dataclass(frozen=True, slots=True)
class Told:
    """What language a text is in.

    Args:
        language: Its ISO 639-1 code; "" where it can't be told.
        confidence: How sure, from 0 to 1; 0 where it can't be told.
    """

    language: str
    confidence: float


UNTOLD = Told("", 0.0)


def weight(text: str) -> int:
    """Return how many letters there are; a sign that stands for a syllable or word counts three."""
    count = sum(map(str.isalpha, text))
    if not text.isascii():
        count += 2 * sum(character >= _WIDE and character.isalpha() for character in text)
    return count


class Detector:
    """Tells the language of a piece of prose.

    Args:
        languages: The only ones to consider, as ISO 639-1 codes; none means all that
            the library knows, the common ones first.
    """

    def __init__(self, languages: Sequence[str] = ()) -> None:
        self._only = frozenset(languages)

    @property
    def version(self) -> str:
        """The library's name and version."""
        return f"py3langid-{version('py3langid')}"

    def tell(self, text: str, letters: int = -1) -> Told:
        """Return the language of prose, best of some hundred characters.

        Args:
            text: Without code and markup.
            letters: Its weight, where it is known already.
        """
        letters = weight(text) if letters < 0 else letters
        if letters < FEWEST:
            return UNTOLD
        scores = self.scores(text)
        best = max(scores, key=lambda language: scores[language], default="")
        if not best:
            return UNTOLD
        confidence = 1 / sum(math.exp(score - scores[best]) for score in scores.values())
        sure = SURE_SHORT if letters < SHORT else SURE
        return Told(best, round(confidence, 3)) if confidence >= sure else UNTOLD

    def scores(self, text: str) -> Mapping[str, float]:
        """Return the logarithm of what speaks for each of the likelier languages, up to a constant.

        The library's own temperature is used, the root of the text's bytes, which keeps
        the odds of short and of long texts comparable.
        """
        padded = f" {text} "
        size = math.sqrt(len(padded.encode("utf-8", "surrogatepass")))
        scores: dict[str, float] = {}
        least = -math.inf
        for code, raw in _library().rank(padded):
            # Best first; what comes after is further behind than any odds can show.
            if raw / size < least:
                break
            language = _SAME.get(code, code)
            if len(language) != 2 or (self._only and language not in self._only):
                continue
            behind = 0.0 if self._only or language in _COMMON else RARE
            score = (float(raw) - behind) / size
            if score > scores.get(language, -math.inf):
                scores[language] = score
                least = max(least, score - _NEGLIGIBLE)
        return scores


_CODES = """
    af am an ar as az ba be bg bn br bs ca cs cy da de dz el en eo es et eu fa fi fo fr fy ga gd
    gl gu ha he hi hr ht hu hy id ig is it ja jv ka kk km kn ko ku ky la lb lg ln lo lt lv mg mk ml
    mn mr ms mt my ne nl no oc om or pa pl ps pt qu ro ru rw sa se si sk sl sn so sq sr st sv sw ta
    te tg th tk tl tr tt ug uk ur uz vi vo wa xh yo zh zu
"""
KNOWN = frozenset(_CODES.split())
"""The ISO 639-1 codes of all languages that can be told."""


def related(one: str, other: str) -> bool:
    """Say whether two languages are the same, or so near in writing that they aren't told apart."""
    return one == other or any(one in family and other in family for family in _NEAR)


@lru_cache(maxsize=1)
def _library() -> Any:
    # 0.9 s and 90 MB, numpy included.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)
