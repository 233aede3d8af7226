"""The curate stage: decisions, edits and pace, over the store's queue; no screen.

:class:`Curator` makes decisions and checks edits; :mod:`engine.curate.text` is the
form in which a conversation is edited; :mod:`engine.curate.editor` opens an editor;
:mod:`engine.curate.redacting` puts placeholders in the place of secrets.
"""

from __future__ import annotations

from engine.curate.queue import Curator, Pace, check_turns, pace, progress
from engine.curate.redacting import Redaction, redact_example
from engine.curate.text import from_text, to_text

__all__ = [
    "Curator",
    "Pace",
    "Redaction",
    "check_turns",
    "from_text",
    "pace",
    "progress",
    "redact_example",
    "to_text",
]
