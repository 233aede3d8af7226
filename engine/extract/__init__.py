"""Extraction: documents become examples. Pure functions of the document's text."""

from __future__ import annotations

from engine.extract.dialogues import extract_dialogue
from engine.extract.notes import extract_note
from engine.models import Document, Example


def extract(document: Document) -> list[Example]:
    """Return the examples that a document gives, in the order of its text.

    Pure: the same document gives the same examples, with the same ids.
    """
    return extract_dialogue(document) if document.turns else extract_note(document)


__all__ = ["extract"]
