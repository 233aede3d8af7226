"""How memories are asked for and told, in English, Romanian and German.

A language is a module with one :class:`Wording`; to add one, write such a module and name it
in ``WORDINGS``.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.sources.memory.wording import de, en, ro
from engine.sources.memory.wording.form import GROUPS, Wording, group_of, language_of

WORDINGS: Mapping[str, Wording] = {"en": en.WORDING, "ro": ro.WORDING, "de": de.WORDING}

__all__ = ["GROUPS", "WORDINGS", "Wording", "group_of", "language_of"]
