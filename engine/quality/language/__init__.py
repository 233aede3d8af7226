"""Which language a conversation is in, and where it changes.

:mod:`engine.quality.language.passages` cuts a text into passages of prose,
:mod:`engine.language` tells the language of one, and
:mod:`engine.quality.language.check` says what a person should look at. How the library
behind it was chosen, and what it gets wrong, stands in ``docs/checks-language.md``.
"""

from engine.language import COMMON, UNTOLD, Detector, Told
from engine.quality.language.check import LanguageCheck

__all__ = ["COMMON", "UNTOLD", "Detector", "LanguageCheck", "Told"]
