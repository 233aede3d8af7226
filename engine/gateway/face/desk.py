"""What the addresses of a server share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from engine.gateway.face import refusals
from engine.gateway.face.limits import Limits
from engine.gateway.face.relay import Relay
from engine.gateway.models import Models
from engine.gateway.spec import ServeSpec


@dataclass(slots=True)
class Desk:
    """The turns at an engine and the places for requests: one limit for all addresses.

    Attributes:
        relay: Asks the engine, no more at once than it computes.
        places: How many requests may be under way or wait.
        taken: How many are.
    """

    relay: Relay
    places: int
    taken: int = 0

    @classmethod
    def of(cls, models: Models, spec: ServeSpec, limits: Limits) -> Desk:
        """Return the desk of a server as it was started."""
        return cls(Relay(models, limits.answer_s), spec.queue)

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Take one of the places.

        Raises:
            Refusal: All are taken.
        """
        if self.taken >= self.places:
            raise refusals.later(
                503,
                f"The server has {self.places} requests already; ask again in a moment.",
                "server_busy",
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
