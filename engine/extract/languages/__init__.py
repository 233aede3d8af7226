"""What is known of each language: one TOML file a language, ``languages/CODE.toml``.

A language is added by adding its file, and no code; ``docs/languages.md`` says what each key
means. A file is written as people write, with capitals and diacritics; words and patterns
are folded when they are loaded.
"""

from engine.extract.languages.asking import Asking
from engine.extract.languages.load import DECISION_PARTS, languages, parse
from engine.extract.languages.table import DateWords, Language
from engine.extract.languages.words import Words

__all__ = [
    "DECISION_PARTS",
    "Asking",
    "DateWords",
    "Language",
    "Words",
    "languages",
    "parse",
]
