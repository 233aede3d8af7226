"""A run's peak memory, by what takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

PART_WORDS: Mapping[str, str] = {
    "weights": "the base's weights",
    "adapter": "the adapter's weights",
    "gradients": "the adapter's gradients",
    "optimizer": "the optimiser's state",
    "activations": "activations",
    "logits": "logits",
    "context": "the libraries' own memory",
}


@dataclass(frozen=True, slots=True)
class Parts:
    """Bytes at the moment in which a run takes most.

    Attributes:
        weights: The base's weights, as they are kept.
        adapter: The adapter's weights, in 32 bits.
        gradients: A gradient for each of the adapter's weights, in 32 bits.
        optimizer: AdamW's two moments of each of the adapter's weights, in 32 bits.
        activations: What the forward pass keeps for the backward pass, and what that needs more.
        logits: The output layer's results, their logarithms, and their gradients.
        context: What the libraries take for themselves, and what loading takes beyond a step.
    """

    weights: int
    adapter: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    context: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(getattr(self, field.name) for field in fields(self))

    @property
    def largest(self) -> str:
        """The name of the largest part that settings can change."""
        names = [name for name in PART_WORDS if name != "context"]
        return max(names, key=lambda name: int(getattr(self, name)))

    def as_dict(self) -> dict[str, int]:
        """Return the parts and their ``total`` by name."""
        return {**asdict(self), "total": self.total}
