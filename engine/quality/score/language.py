"""The words that hold sentences together, in five languages, folded.

They only serve to see an unfinished or a scrambled sentence; the language of a text is
the business of :mod:`engine.quality.language`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


def word_set(text: str) -> frozenset[str]:
    """Return the words of a table that is written as text."""
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Grammar:
    """Function words of a language.

    Attributes:
        common: The words by which the language is told.
        dangling: Words that no finished sentence ends in.
        heads: Words that a noun, or words before it, must follow.
        never_after: Words that can't follow one of ``heads``.
    """

    common: frozenset[str]
    dangling: frozenset[str]
    heads: frozenset[str]
    never_after: frozenset[str]


GRAMMARS: dict[str, Grammar] = {
    "en": Grammar(
        word_set(
            """
            the of and to is in that it for are with as was you this be or by from an can have
            """
        ),
        word_set(
            """
            the a an of and or but to in at by for with from is are was were be than that which who
            whose when while because if although into onto upon between among during their its
            your our my his such these has i he she we they
            """
        ),
        word_set("the an my your his our their its of into from"),
        word_set(
            """
            of is are was were be been and or but for with has have had would could should he she
            they we then because
            """
        ),
    ),
    "ro": Grammar(
        word_set(
            """
            si in de la cu pe este un o nu sa din pentru care mai sunt ca au prin al ale sau
            """
        ),
        word_set(
            """
            si sau de la cu pe din in pentru care prin ca sa un al ale ai spre catre dintre despre
            dar iar cel cea cei cele printr intr dintr ci daca deoarece
            """
        ),
        word_set("un de cu din pentru prin unui unei"),
        word_set("si sau este sunt era au fost dar iar nu"),
    ),
    "de": Grammar(
        word_set(
            """
            der die das und ist nicht ein eine zu den von mit sich des auf fur im dem auch als
            """
        ),
        word_set(
            """
            der die das und oder ein eine einen einem einer des dem den von mit fur im zum zur
            dass weil als wenn sowie beim vom ins durch gegen ohne unter zwischen sondern aber
            """
        ),
        word_set("ein eine einen im zum zur vom"),
        word_set("und oder ist sind war hat wird dass ein eine der im"),
    ),
    "fr": Grammar(
        word_set(
            """
            le la les de des et est un une en du que pour dans qui il pas sur au avec sont ce
            """
        ),
        word_set(
            """
            le la les de des et ou un une du que pour dans qui au aux avec sur par ce cette ses
            leur leurs mais dont sans comme
            """
        ),
        word_set("le les un une des du au aux"),
        word_set("et ou est sont du que pour dans avec des au"),
    ),
    "es": Grammar(
        word_set("el la los las de que y en un una es por con para se del al no lo su como son"),
        word_set(
            """
            el la los las de que y o un una por con para del al su sus como pero sin sobre entre
            cuyo ni
            """
        ),
        word_set("el los las un una del al"),
        word_set("y o es son por con para un una"),
    ),
}


_SPEAKS: dict[str, list[int]] = {}
for _number, _grammar in enumerate(GRAMMARS.values()):
    for _common in _grammar.common:
        _SPEAKS.setdefault(_common, []).append(_number)
_ALL = tuple(GRAMMARS.values())


def grammar_of(words: Sequence[str]) -> Grammar | None:
    """Return the grammar whose common words stand most often among some; None without any."""
    seen = [0] * len(_ALL)
    sample = words[:200]
    for numbers in filter(None, map(_SPEAKS.get, sample)):
        for number in numbers:
            seen[number] += 1
    most = max(seen)
    return _ALL[seen.index(most)] if most * 12 > len(sample) else None
