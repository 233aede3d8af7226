"""Chats as apps export them: one module a format, and the rules that hold for all of them.

What becomes of the parts of a chat:

=====================  ========================================================================
branches               the way that the app shows is read; other answers to a question on it
                       become alternatives of that turn, at most 16; other branches are read
                       where ``branches`` is ``all``, each as a document of what differs
several turns          kept; one speaker's messages in a row are one turn
system prompt          the first system message that is not hidden is the system turn; later
                       ones are left out
custom instructions    left out: nobody said them in the talk
hidden messages        left out
tool calls, results    cut out; the words of the answer stay
thoughts               cut out, whether they are parts of their own, ``<think>`` or ``<details>``
images and files       an exchange whose question shows one is left out, for its answer can't be
                       understood without; in an answer they are cut out, and its words stay
attached text          stands behind the question under the file's name, up to 20,000
                       characters together; an exchange with more is left out
sound                  its transcript is read; without one it is a file
marks of apps          are taken out of the text; see :mod:`engine.appmarks`
canvas, artifact       the document stands in the answer that made it; an exchange whose
                       document is not known is left out
half an exchange       a question without answer, an answer without question: left out
messages of no words   have nothing to be left out, and are not counted
a circle of parents    the conversation is left out
=====================  ========================================================================

What is left out is reported once a conversation and code, with its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from engine.sources.chats import (
    aistudio,
    chatgpt,
    claude,
    deepseek,
    fastchat,
    grok,
    lists,
    lmstudio,
    oasst,
    openwebui,
    sillytavern,
)
from engine.sources.chats.talk import Conversation, Talk, Tally

__all__ = ["FORMATS", "Conversation", "Format", "Talk", "Tally", "format_of", "name_of"]


class Format(Protocol):
    """A module that reads one app's records.

    ``NAME`` is the app's, and ``HOLDS`` what one record is and what several
    are, in a few words.
    """

    NAME: str
    HOLDS: tuple[str, str]

    def recognise(self, fields: Mapping[str, Any]) -> bool:
        """Say whether a record is of this format."""

    def conversations(
        self, fields: Mapping[str, Any], *, every_branch: bool = False
    ) -> Iterator[Conversation]:
        """Yield what a record of this format holds."""


FORMATS: tuple[Format, ...] = (
    deepseek,
    chatgpt,
    claude,
    grok,
    openwebui,
    lmstudio,
    sillytavern,
    aistudio,
    oasst,
    fastchat,
    lists,
)
"""The formats, in the order in which they are tried: the less another could be one, the earlier."""


def format_of(fields: Mapping[str, Any]) -> Format | None:
    """Return the format of a record, or None."""
    return next((known for known in FORMATS if known.recognise(fields)), None)


def name_of(known: Format, fields: Mapping[str, Any]) -> str:
    """Return the name of a record's format for a person."""
    return lists.variant(fields) if known is lists else known.NAME
