"""The curate stage: decisions, edits and pace, over the store's queue; no screen.

:class:`Curator` makes decisions and checks edits; :mod:`engine.curate.text` is the
form in which a conversation is edited; :mod:`engine.curate.editor` opens an editor;
:mod:`engine.curate.redacting` puts placeholders in the place of secrets;
:mod:`engine.curate.answers` and :mod:`engine.curate.drafts` are about texts that could
stand in an example, and such as were begun.
"""

from __future__ import annotations

from engine.curate.answers import other_answers, with_answer
from engine.curate.drafts import Drafts
from engine.curate.queue import PAUSE_SECONDS, Curator, Pace, check_turns, pace, progress
from engine.curate.redacting import Redaction, redact_example
from engine.curate.text import answer_line, from_text, to_text

__all__ = [
    "PAUSE_SECONDS",
    "Curator",
    "Drafts",
    "Pace",
    "Redaction",
    "answer_line",
    "check_turns",
    "from_text",
    "other_answers",
    "pace",
    "progress",
    "redact_example",
    "to_text",
    "with_answer",
]
