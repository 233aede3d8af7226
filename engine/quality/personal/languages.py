"""Countries whose telephone numbers a text may hold, by the language that it is in.

A handful of function words tells the languages of western Europe apart within a few
sentences, at a small part of what a language model costs.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

_WORDS_TEXT = {
    "en": (
        "the and of to is that for with was this are you have not my at they we he she if will all "
        "about what when there which their would can could more some but from"
    ),
    "ro": (
        "și în este nu cu pe care din sau mai sunt pentru că la mea meu am să lui dar acest "
        "această fost fi către după între care le iar"
    ),
    "de": "und der die das ist nicht ich mit ein eine auf für von den wir sie sich",
    "fr": (
        "le les et est une des pour dans que qui pas je vous nous avec sur mon du au aux par "
        "plus ce cette sont ont ne se son sa"
    ),
    "it": (
        "il che è di per non con una sono della gli mio questo nel alla del ho dei delle "
        "dalla degli nella anche più ha hanno stato questa come ma si dal sul tra"
    ),
    "es": (
        "el los es que por una con las para está mi del pero como más se yo fue ser tiene "
        "esto sobre entre muy ya también sus ha han este esta al su lo"
    ),
    "nl": "het een van niet ik is dat op te voor met zijn mijn aan zij wij ook",
    "pt": (
        "não uma os para com que é meu por mais do da em como são ao na você dos das pelo "
        "pela foi ser tem isso este esta sobre entre muito já também ao num seu sua"
    ),
}
_REGIONS = {
    "en": ("US", "GB", "CA", "AU", "IE", "IN"),
    "ro": ("RO", "MD"),
    "de": ("DE", "AT", "CH"),
    "fr": ("FR", "BE", "CH"),
    "it": ("IT", "CH"),
    "es": ("ES", "MX", "AR", "CO", "CL"),
    "nl": ("NL", "BE"),
    "pt": ("PT", "BR"),
}
_LANGUAGES: dict[str, list[str]] = {}
for _language, _text in _WORDS_TEXT.items():
    for _word in _text.split():
        _LANGUAGES.setdefault(_word, []).append(_language)
_WORD = re.compile(r"[^\W\d_]+")
_CHARS = 1000
_LEAST = 2


def regions_of(text: str, place: int) -> tuple[str, ...]:
    """Return the countries in which the language around a place is spoken, if it is told.

    Of two languages that are about as likely those of both are returned.
    """
    part = place // _CHARS
    return _spoken(text[max(0, (part - 1) * _CHARS) : (part + 2) * _CHARS])


@lru_cache(maxsize=64)
def _spoken(text: str) -> tuple[str, ...]:
    counts: Counter[str] = Counter()
    for word in _WORD.findall(text.lower()):
        for language in _LANGUAGES.get(word, ()):
            counts[language] += 1
    ranked = counts.most_common(2)
    likely = [one for one, n in ranked if n >= _LEAST and 2 * n > ranked[0][1]]
    return tuple(region for language in likely for region in _REGIONS[language])
