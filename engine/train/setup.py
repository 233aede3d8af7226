"""Everything that a training run is made of, and its evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.runs.child import Job
from engine.train.backends import Backend, Loaded
from engine.train.data import TokenRows
from engine.train.devices import Device
from engine.train.fit.shortage import shrinking
from engine.train.loss import evaluation_loss
from engine.train.meter import Meter
from engine.train.packing import is_packed
from engine.train.saving import Saver
from engine.train.spec import TrainSpec


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that a training run is made of.

    ``validation`` is what it is evaluated on, which may be a part of the validation split;
    ``eos_ids`` are the ids that end an answer.
    """

    job: Job
    spec: TrainSpec
    device: Device
    backend: Backend
    loaded: Loaded
    train: TokenRows
    validation: TokenRows
    meter: Meter
    saver: Saver
    eos_ids: frozenset[int] = frozenset()

    @property
    def pad_id(self) -> int:
        """The id that fills batches up."""
        tokenizer = self.loaded.tokenizer
        pad = tokenizer.pad_token_id
        return int(pad if pad is not None else tokenizer.eos_token_id or 0)

    def evaluate(self, between: Callable[[], None]) -> float:
        """Return the present loss on the held-out examples; see :func:`evaluation_loss`."""
        return shrinking(
            self.spec.batch_size,
            lambda size: evaluation_loss(
                self.loaded.model,
                self.validation.rows,
                self.backend.likelihood,
                batch_size=size,
                pad_id=self.pad_id,
                packed=is_packed(self.loaded.model),
                between=between,
            ),
        )
