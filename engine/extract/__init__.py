"""Extraction: documents become examples. Pure functions of the document's text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.appmarks import without_marks
from engine.extract.dialogues import extract_dialogue
from engine.extract.leftout import OnLeft, ignore_left
from engine.extract.notes import extract_note, taken
from engine.models import NO_METADATA, ON_REQUEST, Document, Example, Turn, example_id


def extract(
    document: Document,
    options: Mapping[str, str] = NO_METADATA,
    on_left: OnLeft = ignore_left,
) -> list[Example]:
    """Return the examples that a document gives, in the order of its text.

    Pure: the same document and options give the same examples, with the same ids.

    Args:
        document: The document.
        options: What is set about its source; of them, ``take`` says what a note gives.
        on_left: Told of each part of it that gives nothing: its line, a code and the reason.
    """
    if document.turns:
        return extract_dialogue(document)
    kept: list[Example] = []
    for example in extract_note(document, taken(options), on_left):
        bare = _without_marks(example)
        if bare is None:
            line = example.provenance.start_line
            on_left(line, "empty-answer", "nothing but the marks of an app")
        else:
            kept.append(bare)
    return kept


def _without_marks(example: Example) -> Example | None:
    """Return an example of a note without the marks of apps that were pasted into it."""
    turns = tuple(Turn(turn.role, without_marks(turn.content).strip()) for turn in example.turns)
    if all(
        new.content == old.content.strip() for new, old in zip(turns, example.turns, strict=True)
    ):
        return example
    if not all(turn.content for turn in turns):
        return None
    return replace(example, id=example_id(turns), turns=turns)


def extract_all(
    document: Document,
    options: Mapping[str, str] = NO_METADATA,
    on_left: OnLeft = ignore_left,
) -> tuple[list[Example], int]:
    """Return the examples that a document gives, and how many sections it would give besides.

    A person learns of the others by their number, and can ask for them.
    """
    unasked = 0

    def left(line: int, code: str, reason: str) -> None:
        nonlocal unasked
        unasked += code == ON_REQUEST
        on_left(line, code, reason)

    return extract(document, options, left), unasked


__all__ = ["extract", "extract_all"]
