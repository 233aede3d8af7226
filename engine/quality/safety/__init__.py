"""What may be hateful, sexual, violent or about self-harm, or is foul or insulting language.

By word lists of the project's own (``data/``), one a language; no model. What that finds
and what it can't is measured in ``docs/checks-safety.md``.
"""

from engine.quality.safety.check import SafetyCheck
from engine.quality.safety.lists import CATEGORIES, LANGUAGES

__all__ = ["CATEGORIES", "LANGUAGES", "SafetyCheck"]
