"""The wording of questions, a module a language.

Each table maps "GROUP.SHAPE" to templates. A group is an example's kind or, for
decisions, the part of it (why, options, outcome, context). Shapes:

- ``topic``: ``{topic}`` is a noun phrase, or quoted where the language inflects.
- ``bare``: no topic is known; ``{about}`` names words of the text.

Shapes without a group: ``clause`` (``{clause}``: "why you said no"), ``statement``
(``{statement}``: "You said no"), and ``plain`` (nothing is known).

``{when}`` and ``{When}`` are a date with its preposition: "on 14 March 2025".
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.extract.phrases import de, en, ro

TABLES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "en": en.TEMPLATES,
    "ro": ro.TEMPLATES,
    "de": de.TEMPLATES,
}
