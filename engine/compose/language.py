"""Which language a text is in, told by its little words.

Simple means, made for one purpose: to notice that a model answered in another language
than it was asked to. French, Italian and Spanish are known so that they are noticed.
"""

from __future__ import annotations

import re
import unicodedata

LANGUAGES = ("en", "ro", "de")
"""The languages that prompts are written in."""

_LITTLE = {
    "en": """the a an of to in is was that it for with as on at be this have are not but had they
        from you your what why how when where which who did do does would could should about me
        my i can there if or and been has were after before tell will we them their so one than""",
    "ro": """si sa de la in cu pe nu ca este sunt era din care mai pentru un o au ce dar se am fost
        ai ti iti imi te tau ta tale cum cand unde cine daca ale lui asta acest despre spune a fi ar
        as poti cel cea m-am mi-am ne-am i-am l-am le prin doar fara vrei al ei iar sau faci fac""",
    "de": """der die das und ist nicht ein eine zu den mit von auf war dass es ich im dem sich auch
        du dein deine deinen was wie warum wann wo wer welche welcher hast bist kannst uber fur
        erzahl mir dir dich hat habe nach bei aus als am einen einer wenn aber so nur noch wurde""",
    "fr": """le la les des une un est que qui dans pour sur pas vous votre quelle quel pourquoi
        comment avez de du et ce cette en au aux je il elle nous ne plus avec se par sont""",
    "es": """el la los las una un es que por para con no su como de y en lo se al del mas cual
        cuando donde quien tu te mi son fue pero este esta""",
    "it": """il lo la gli le una un e che di per con non come perche cosa tuo tua sei hai quale
        quando dove chi del della si in da sono ho mi questo questa ma piu""",
}
_WORDS = {name: frozenset(table.split()) for name, table in _LITTLE.items()}
_LETTERS = {"ro": frozenset("ăâîșțşţ"), "de": frozenset("äöüß")}
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_SHARE = 0.15


def words(text: str) -> list[str]:
    """Return the words of a text, in lower case and without diacritics."""
    apart = unicodedata.normalize("NFD", text.casefold())
    return _WORD.findall("".join(sign for sign in apart if not unicodedata.combining(sign)))


def is_little(word: str) -> bool:
    """Say whether a folded word is one of those that tell languages apart, and no topic."""
    return any(word in _WORDS[name] for name in LANGUAGES)


def scores(text: str) -> dict[str, float]:
    """Return for each language how much speaks for it; a letter of its own counts as a word."""
    found = words(text)
    signs = set(text.casefold())
    counted = {
        name: float(sum(word in little for word in found)) for name, little in _WORDS.items()
    }
    for name, letters in _LETTERS.items():
        counted[name] += 1.5 * bool(signs & letters)
    return counted


def guess(text: str) -> str:
    """Return the language of a text of some length; empty where it is none that is known."""
    counted = scores(text)
    best = max(counted, key=lambda name: counted[name])
    enough = max(2.0, _SHARE * len(words(text)))
    return best if counted[best] >= enough and best in LANGUAGES else ""


def may_be(text: str, language: str) -> bool:
    """Say whether a short text may be in a language; anything may where that is not known."""
    if language not in _WORDS:
        return True
    counted = scores(text)
    return counted[language] > 0 and counted[language] >= max(counted.values())
