"""Extraction: documents become examples. Pure functions of the document's text."""

from __future__ import annotations

from collections.abc import Mapping

from engine.extract.dialogues import extract_dialogue
from engine.extract.notes import extract_note, taken
from engine.models import NO_METADATA, Document, Example


def extract(document: Document, options: Mapping[str, str] = NO_METADATA) -> list[Example]:
    """Return the examples that a document gives, in the order of its text.

    Pure: the same document and options give the same examples, with the same ids.

    Args:
        document: The document.
        options: What is set about its source; of them, ``take`` says what a note gives.
    """
    if document.turns:
        return extract_dialogue(document)
    return extract_note(document, taken(options))


__all__ = ["extract"]
