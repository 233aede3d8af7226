"""The words by which reflections, decisions and learnings are recognised, in three languages.

All entries are folded: lower case, without diacritics. What decides whether a
section is taken stands in these tables and in :mod:`engine.extract.headings`, so
that it can be read and argued with.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

KINDS = ("reflection", "decision", "learning")


_FOREIGN = re.compile(r"[^\x00-\x7f]+")


def fold(text: str) -> str:
    """Return text in lower case without diacritics; ß becomes ss, curly apostrophes straight."""
    if text.isascii():
        return text.lower()
    return _FOREIGN.sub(lambda match: _folded(match[0]), text.lower())


@lru_cache(maxsize=4096)
def _folded(run: str) -> str:
    decomposed = unicodedata.normalize("NFKD", run.casefold())
    folded = "".join(character for character in decomposed if not unicodedata.combining(character))
    return folded.replace("\u2019", "'")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a table that is written as text."""
    return frozenset(text.split())


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split(",") if phrase.strip())


_TAG_WORDS = {
    "reflection": """
        reflection reflections reflect reflecting reflective retrospective retro introspection
        hindsight looking-back reflexion reflexionen ruckblick nachdenken selbstreflexion
        reflectie reflectii retrospectiva introspectie""",
    "decision": """
        decision decisions decide decided adr dilemma choice entscheidung entscheidungen
        entschluss decizie decizii hotarare hotarari alegere""",
    "learning": """
        learning learnings learned learnt lesson lessons lessons-learned til takeaway takeaways
        insight insights erkenntnis erkenntnisse gelernt lektion lektionen lehre lehren
        lectie lectii invatat invatatura invataturi""",
}
TAGS: dict[str, str] = {
    word: kind for kind, table in _TAG_WORDS.items() for word in word_set(table)
}
"""Folded parts of tags (``#work/decision`` has two parts) and the kind that each means."""

FOLDERS: dict[str, str] = {
    **{word: kind for word, kind in TAGS.items() if len(word) > 3},
    **dict.fromkeys(word_set("journal journals diary tagebuch jurnal reviews"), "reflection"),
}
"""Folded folder names and the kind that notes inside are likely to be."""

CLIPPED = word_set(
    """clipping clippings clipped webclip webclips readwise highlights articles pocket instapaper
    kindle raindrop omnivore zotero literature"""
)
"""Folded tags, categories and folders of what other people wrote."""

FIRST_PERSON: dict[str, frozenset[str]] = {
    "en": word_set("i me my mine myself i'm i've i'd i'll im ive"),
    "ro": word_set(
        """eu mie mine imi ma meu mea mei mele m-am mi-am mi-a mi-e mi-as mi-au m-a m-au m-as as
        sunt eram stiu cred vreau simt"""
    ),
    "de": word_set("ich mich mir mein meine meinen meinem meiner meines"),
}
"""Words with which people speak of themselves."""

WEIGHING: dict[str, tuple[str, ...]] = {
    "en": _phrases(
        """because, but, however, although, though, instead, rather than, either,
        on the other hand, on one hand, option, options, trade-off, tradeoff, whether, versus,
        alternative, risk, risks, cost, worth, prefer, chose, choose, decide, decided, decision,
        compared, against, in favour, in favor, enough, cheaper, better, worse, unless, depends,
        consider, considered, considering"""
    ),
    "ro": _phrases(
        """pentru ca, dar, insa, totusi, desi, in loc, decat, fie, pe de alta parte, optiune,
        optiuni, daca, alternativa, risc, riscul, merita, prefer, am ales, aleg, am decis,
        am hotarat, decizie, mai bine, mai rau, depinde, costa, avantaj, dezavantaj, fata de"""
    ),
    "de": _phrases(
        """weil, aber, jedoch, obwohl, trotzdem, stattdessen, anstatt, entweder, andererseits,
        einerseits, option, optionen, ob, alternative, risiko, kosten, lohnt, lieber, entschied,
        entschieden, entscheidung, vergleich, gegen, besser, schlechter, kommt darauf an,
        uberlegt, abgewogen, dafur, dagegen"""
    ),
}
"""Words and phrases of somebody who weighs one thing against another."""

OUTCOME: dict[str, tuple[str, ...]] = {
    "en": _phrases(
        """turned out, in the end, ended up, it worked, didn't work, did not work, realised,
        realized, realise, realize, noticed, learned, learnt, surprised, regret, glad, next time,
        looking back, in hindsight, should have, would have, could have, understood, taught me,
        mistake, finally, from now on, the lesson, i was wrong, i was right, i feel, i felt,
        i think, i thought, i believe, i used to, i wish, i hope, i wonder, i knew, i know,
        i forgot, i want, i wanted, i checked, grateful, proud, afraid, ashamed, worried,
        changed my mind, remind myself"""
    ),
    "ro": _phrases(
        """pana la urma, in cele din urma, a mers, n-a mers, nu a mers, am realizat,
        mi-am dat seama, am observat, am invatat, am inteles, m-a surprins, regret, ma bucur,
        data viitoare, privind inapoi, ar fi trebuit, trebuia sa, greseala, am gresit, de acum,
        lectia, cred ca, simt, am simtit, ma gandesc, m-am gandit, imi doresc, sper, mi-e teama,
        sunt mandru, sunt mandra, recunoscator, am uitat"""
    ),
    "de": _phrases(
        """stellte sich heraus, am ende, schliesslich, hat geklappt, nicht geklappt, gemerkt,
        bemerkt, gelernt, verstanden, uberrascht, bereue, froh, nachstes mal, ruckblickend,
        im nachhinein, hatte ich, hatte sollen, fehler, von jetzt an, die lehre, ich glaube,
        ich denke, ich dachte, ich fuhle, ich fuhlte, ich hoffe, ich wunschte, ich wusste,
        ich weiss, ich habe vergessen, dankbar, stolz, angst, mir wurde klar, klar geworden"""
    ),
}
"""Words and phrases of somebody who looks at how a thing went, or says what they feel."""

_STOPWORDS: dict[str, frozenset[str]] = {
    "en": word_set(
        "the and of to in is was that it for with as on at be this have are not but had they from"
    ),
    "ro": word_set(
        "si de la in cu pe nu sa ca este sunt era din care mai pentru un o au ce dar se am fost"
    ),
    "de": word_set(
        "der die das und ist nicht ein eine zu den mit von auf war dass es ich im dem sich auch"
    ),
}
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SPLIT = "\x1f"
_INSIDE = f"'-{_SPLIT}"
# The characters that most notes in Latin script are written with, each as one byte.
_FOREIGN_SIGNS = "“”„«»‘‚‹›—–…•·→←↔⇒✓✗×÷±≤≥≠≈°©®€£¥§¶\u00a0\u200b¿¡"
_FOREIGN_LETTERS = "àáâãäåăąçćčďèéêëęěìíîïłñńňòóôõöőøřśșşšťțţùúûüűůýžźż"
_BYTES = "".join(map(chr, range(128))) + "’" + _FOREIGN_SIGNS + _FOREIGN_LETTERS
_TO_BYTES = codecs.charmap_build(_BYTES.ljust(256, "\ufffe"))
_SHAPES = bytes(97 if chr(code).isalpha() else code for code in range(256))


def _letter_of(character: str) -> int:
    folded = fold(character)
    if folded in _INSIDE:
        return ord(folded)
    return ord(folded if folded.isascii() else "x") if folded.isalpha() else 32


_LETTERS = bytes(_letter_of(character) for character in _BYTES.ljust(256))


def _alternatives(entries: Iterable[str]) -> str:
    """Return a pattern for some words that looks at each letter of a text once."""
    tails: dict[str, list[str]] = {}
    for entry in sorted(entries):
        tails.setdefault(entry[:1], []).append(entry[1:])
    ends = "" in tails
    tails.pop("", None)
    branches = [re.escape(first) + _alternatives(rest) for first, rest in tails.items()]
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)})" + ("?" if ends else "")


_SPOKEN = re.compile(rf" ({_alternatives(frozenset().union(*FIRST_PERSON.values()))})(?=['-]? )")


def words(text: str) -> list[str]:
    """Return the words of a text, as written."""
    return _WORD.findall(text)


def letters(texts: Sequence[str]) -> list[str]:
    """Return the folded words of each text with spaces around each, and nothing else.

    They are those that :func:`words` finds in the folded text, found in fewer steps: all
    signs but apostrophes and hyphens become spaces, of which those that end a word are
    left to :func:`tokens`. The letters of scripts that no table here is written in all
    become the same letter.
    """
    joined = f" {_SPLIT} ".join(texts)
    if joined.count(_SPLIT) != len(texts) - 1:
        return [letters((text.replace(_SPLIT, " "),))[0] for text in texts]
    if joined.isascii():
        data = joined.encode("ascii")
    else:
        try:
            data, _ = codecs.charmap_encode(joined, "strict", _TO_BYTES)
        except UnicodeEncodeError:
            data = _FOREIGN.sub(_ascii_letters, joined.lower()).encode("ascii")
    spaced = f" {data.translate(_LETTERS).decode('ascii')} "
    if "-" in spaced:
        spaced = spaced.replace("--", "  ").replace(" -", "  ")
    if "'" in spaced:
        spaced = spaced.replace(" '", "  ")
    return spaced.split(_SPLIT)


def tokens(lettered: str) -> list[str]:
    """Return the words of a text that :func:`letters` returned."""
    return lettered.replace("- ", " ").replace("' ", " ").split()


def count_words(lettered: Sequence[str]) -> list[int]:
    """Return how many words each of some texts has that :func:`letters` returned."""
    shapes = _SPLIT.join(lettered).encode("ascii").translate(_SHAPES).decode("ascii")
    return [shape.count(" a") for shape in shapes.split(_SPLIT)]


def first_person(lettered: str) -> list[str]:
    """Return the words with which people speak of themselves, in any of the languages.

    Args:
        lettered: A text as :func:`letters` returned it.
    """
    return _SPOKEN.findall(lettered)


def _ascii_letters(match: re.Match[str]) -> str:
    return _letters(match[0])


@lru_cache(maxsize=4096)
def _letters(run: str) -> str:
    """Return the ASCII letters that some foreign characters fold to; signs become spaces."""
    return "".join(
        character if character.isascii() else "x" if character.isalpha() else " "
        for character in _folded(run)
    )


def language(counts: Mapping[str, int], total: int) -> str:
    """Return "en", "ro" or "de" by its commonest words; empty where none is clear.

    Args:
        counts: How often each word stands in a text.
        total: How many words there are.
    """
    best, most = "", max(2, total // 20) - 1
    for name, stops in _STOPWORDS.items():
        hits = sum(map(counts.__getitem__, counts.keys() & stops))
        if hits > most:
            best, most = name, hits
    return best
