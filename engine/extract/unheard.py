"""Notes in languages without a word table, and what a person is told of them.

Their tags, headings and questions are read as in any language, but nobody can say by their
words which of their sections are thoughts. So they are counted by language, and their sections
are offered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.extract.languages import languages
from engine.extract.prose import MIN_WORDS
from engine.extract.telling import language_of
from engine.extract.units import units_found
from engine.models import Document

PREFIX = "no-words-"
"""What the code of such a note begins with; its language's code follows."""

NAMES = {
    "af": "Afrikaans", "ar": "Arabic", "be": "Belarusian", "bg": "Bulgarian", "bn": "Bengali",
    "bs": "Bosnian", "ca": "Catalan", "cs": "Czech", "da": "Danish", "el": "Greek",
    "eo": "Esperanto", "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish",
    "gl": "Galician", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian",
    "hy": "Armenian", "id": "Indonesian", "is": "Icelandic", "ja": "Japanese", "ka": "Georgian",
    "ko": "Korean", "la": "Latin", "lt": "Lithuanian", "lv": "Latvian", "mk": "Macedonian",
    "ms": "Malay", "no": "Norwegian", "pl": "Polish", "sk": "Slovak", "sl": "Slovenian",
    "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil",
    "te": "Telugu", "th": "Thai", "tl": "Filipino", "tr": "Turkish", "uk": "Ukrainian",
    "ur": "Urdu", "vi": "Vietnamese",
}  # fmt: skip
SECTIONS = "take=thoughts,qa,sections"
"""The option by which sections are asked for."""


def unheard(document: Document, take: Collection[str]) -> str:
    """Return the code of the language that a note is not heard in; empty where it is heard.

    Args:
        document: A note that gave nothing.
        take: What it was asked for.
    """
    if document.turns or "thoughts" not in take or "sections" in take:
        return ""
    units = units_found(document.text)
    if sum(unit.words for unit in units) < MIN_WORDS:
        return ""
    code = language_of(part for unit in units for part in unit.parts)
    return "" if code in languages() else code


def reason(code: str) -> str:
    """Return why a note in such a language gave nothing, and what helps."""
    name = NAMES.get(code, code)
    return f"no word table for {name} to find thoughts by; {SECTIONS} offers its sections"


def unheard_words(codes: Mapping[str, int]) -> list[str]:
    """Return a line for each language that notes are not heard in, by the counts of codes."""
    found: list[str] = []
    for code, number in codes.items():
        if code.startswith(PREFIX):
            name = NAMES.get(code.removeprefix(PREFIX), code.removeprefix(PREFIX))
            notes = f"{number:,} {name} note" + ("" if number == 1 else "s")
            found.append(f"{notes}: no word table; sections are offered with {SECTIONS}")
    return found
