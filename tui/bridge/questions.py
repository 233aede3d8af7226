"""A question for one example, worded by a model; see :mod:`engine.compose.backtranslate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.models import Card
from engine.store import Store

if TYPE_CHECKING:
    from engine.compose.backtranslate import Proposal, Unwritten

EMBEDDED, ENDPOINT = "embedded", "endpoint"

_KEY = "questions:endpoint"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which model is asked.

    Attributes:
        by: The embedded model, or an endpoint.
        address: The endpoint's address.
        model: The model's name there.
    """

    by: str = EMBEDDED
    address: str = ""
    model: str = ""


def last_asked(store: Store) -> Asked:
    """Return the model that was asked last in this workspace."""
    by, address, model = ((store.get_meta(_KEY) or "") + "\n\n").split("\n")[:3]
    return Asked(by or EMBEDDED, address, model)


def worded(store: Store, card: Card, asked: Asked) -> Proposal | Unwritten:
    """Let a model word the question of a card, and record it under the model's name.

    The embedded model answers in a process of its own.

    Raises:
        ComposeError: The endpoint can't be reached, or does not answer as it should.
        ServeError: The embedded model ended.
        DependencyMissing: It is not installed.
    """
    from engine.compose.backtranslate import Proposal, propose, record
    from engine.compose.endpoint import Endpoint
    from engine.compose.writer import EmbeddedWriter

    store.set_meta(_KEY, f"{asked.by}\n{asked.address}\n{asked.model}")
    writer = EmbeddedWriter() if asked.by == EMBEDDED else Endpoint(asked.address, asked.model)
    with writer:
        (found,) = propose(store, writer, [card.example.id])
    if isinstance(found, Proposal):
        record(store, [found])
    return found
