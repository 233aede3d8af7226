"""Which language a note or section is in.

Most texts tell it by their commonest words, which costs next to nothing. The others are
told by their script, or by the library that the check of languages uses; loading it takes
about a second, so that it is asked only where those words leave a doubt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from engine.extract.languages import languages
from engine.extract.letters import apart, fold, letters, tokens, words
from engine.language import Detector
from engine.sources.blocks import Block

# Of 5,000 paragraphs of thirty words in thirty languages without a table some 40 are taken for one
# with a table; of eight languages' own paragraphs none for another (docs/languages.md).
_SHARE = 0.2
_AHEAD = 1.5
_FEWEST = 4
_KEPT_SHARE = 0.1
_SHORT = 8
_SURE = 0.9
_SAMPLE = 600
_SCRIPTS = {
    "zh": re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]"),
    "ja": re.compile("[\u3041-\u30ff]"),
    "ko": re.compile("[\u1100-\u11ff\uac00-\ud7a3]"),
    "th": re.compile("[\u0e00-\u0e7f]"),
    "el": re.compile("[\u0370-\u03ff]"),
    "he": re.compile("[\u0590-\u05ff]"),
}
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_KANA = 0.05


def tell(lettered: str, text: Callable[[], str], prior: Callable[[], str] = str) -> str:
    """Return the ISO 639-1 code of a text's language; empty where it can't be told.

    Args:
        lettered: Its words as :func:`engine.extract.letters.letters` returns them.
        text: Returns the text.
        prior: Returns the language of the note that it stands in, which short texts are in too.
    """
    if not lettered.isascii() and (code := _by_script(lettered)):
        return code
    found = tokens(lettered)
    code, shares = _by_common_words(Counter(found), len(found))
    if code:
        return code
    known = prior()
    if len(found) < _SHORT or shares.get(known, 0.0) >= _KEPT_SHARE:
        return known
    told = _detector().tell(" ".join(text()[:_SAMPLE].split()))
    if told.language and (not known or told.confidence >= _SURE):
        return told.language
    return known


def worded_in(title: str, code: str) -> int:
    """Return how much speaks for a title's being in a language: its words, and its script."""
    table = languages().get(code)
    if table is None:
        return 0
    known = table.asking.interrogatives | table.asking.not_nouns | table.asking.not_first
    found = words(apart(fold(title)))
    hits = sum(
        word in known or word in table.common or word in table.first_person for word in found
    )
    script = _SCRIPTS.get(code) or (_LATIN if table.is_latin else _CYRILLIC)
    lettered = sum(map(str.isalpha, title))
    return hits if len(script.findall(title)) * 4 > lettered else -1


def is_worded_in(title: str, code: str) -> bool:
    """Say whether a title is in a language, as far as its script and its small words say."""
    own = worded_in(title, code)
    if own < 0 or (title.startswith("¿") and code != "es"):
        return False
    return all(worded_in(title, other) <= own for other in languages())


def asked_in(section: str, note: str, title: str) -> str:
    """Return the language that a section is asked for in: its own, or that of its note.

    A piece of code or of English under a Chinese heading is asked for in Chinese.

    Args:
        section: The language of the section's text.
        note: The language of its note.
        title: The section's heading, or its note's title.
    """
    if worded_in(title, section) < 0 and worded_in(title, note) <= 0:
        own = _by_script(letters((title,))[0])
        return own if own in languages() else section
    if section == note or note not in languages():
        return section
    return note if worded_in(title, note) > max(worded_in(title, section), 0) else section


def language_of(parts: Iterable[Block]) -> str:
    """Return the code of a note's language by its first running text; empty where none fits."""
    sample: list[str] = []
    said: list[str] = []
    size = 0
    for part in parts:
        if part.spoken:
            sample.append(part.letters[:_SAMPLE])
            said.append(part.text[:_SAMPLE])
            size += len(sample[-1])
            if size >= _SAMPLE:
                break
    return tell("".join(sample), lambda: "\n".join(said)) if sample else ""


def _by_common_words(counts: Mapping[str, int], total: int) -> tuple[str, Mapping[str, float]]:
    """Return the language whose common words stand out, if any, and the share of each one's."""
    hits = dict.fromkeys(languages(), 0)
    common = _common()
    for word in counts.keys() & common.keys():
        for code in common[word]:
            hits[code] += counts[word]
    best, *others = sorted(hits, key=lambda code: -hits[code])
    shares = {code: hit / max(total, 1) for code, hit in hits.items()}
    table = languages()[best]
    clear = hits[best] >= _SHARE * total and len(counts.keys() & table.common) >= _FEWEST
    ahead = all(hits[best] >= _AHEAD * hits[other] for other in others[:1])
    foreign = not counts.keys().isdisjoint(table.not_common)
    # Languages of other scripts have neighbours without a table, which share their words.
    return (best if clear and ahead and table.is_latin and not foreign else ""), shares


@lru_cache(maxsize=1)
def _common() -> Mapping[str, Sequence[str]]:
    """Return the common words of all languages, and the codes of those that each is common in."""
    codes: dict[str, list[str]] = {}
    for code, table in languages().items():
        for word in table.common:
            codes.setdefault(word, []).append(code)
    return codes


def _by_script(lettered: str) -> str:
    """Return the language of a text in a script that one language is written in, mostly."""
    found = {code: len(signs.findall(lettered)) for code, signs in _SCRIPTS.items()}
    if found["ja"] > _KANA * (found["zh"] + found["ja"]):
        found["ja"] += found.pop("zh")
    code = max(found, key=lambda code: found[code])
    letters = sum(map(str.isalpha, lettered))
    # A word in Latin letters is as long as two or three characters.
    return code if found[code] * 4 > letters else ""


@lru_cache(maxsize=1)
def _detector() -> Detector:
    return Detector()
