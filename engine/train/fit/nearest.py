"""The nearest settings that fit: those that change least of what a run learns come first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.train.fit.parts import Parts
from engine.train.spec import MOST_AT_ONCE, TrainSpec, changed

SHORTEST = 256
"""No maximum length below this is offered: hardly an example would keep its end."""

Predict = Callable[[TrainSpec], Parts]


@dataclass(frozen=True, slots=True)
class Nearest:
    """Settings that fit.

    Attributes:
        changes: Fields of the spec that differ, by name.
        total: Predicted bytes.
        same: Whether the run learns the same, within float error.
    """

    changes: Mapping[str, Any]
    total: int
    same: bool

    @property
    def flags(self) -> str:
        """The changes as flags of ``finetui train``."""
        words = []
        for name, value in self.changes.items():
            flag = name.replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{flag}" if value else f"--no-{flag}")
            else:
                words.append(f"--{flag} {value}")
        return " ".join(words)

    @property
    def words(self) -> str:
        """The changes as a person reads them."""
        return ", ".join(
            f"{name.replace('_', ' ')} {_value(value)}" for name, value in self.changes.items()
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "changes": dict(self.changes),
            "flags": self.flags,
            "total": self.total,
            "same_result": self.same,
        }


def _value(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def smaller_batches(spec: TrainSpec) -> Iterator[dict[str, Any]]:
    """Yield smaller batches with as many more of them a step: each step sees the same examples."""
    size, accumulation = spec.batch_size, spec.accumulation
    while size > 1:
        # An odd batch can only be taken one by one; else a step would see other examples.
        half = size // 2 if size % 2 == 0 else 1
        accumulation *= size // half
        size = half
        if accumulation > MOST_AT_ONCE:
            return
        yield {"batch_size": size, "accumulation": accumulation}


def nearest(
    spec: TrainSpec, limit: int, predict: Predict, *, quantised: bool = True
) -> tuple[Nearest, ...]:
    """Return settings that fit below a limit, the nearest first; at most one of each kind.

    Smaller batches at the same examples a step come first, then checkpointing, then a base in 8
    and in 4 bits, each with as large a batch as fits, and last a shorter maximum length.

    Args:
        spec: The run that doesn't fit.
        limit: Bytes that it may take.
        predict: Tells what a spec takes.
        quantised: Whether a base in fewer bits may be offered: it is not stored in some already.
    """
    found: list[Nearest] = []
    stages = list(_stages(spec, quantised=quantised))
    for changes, same in stages:
        fitting = _largest_batch(spec, changes, limit, predict)
        if fitting is not None and not any(fitting[0] == one.changes for one in found):
            found.append(Nearest(fitting[0], fitting[1], same))
    if not found:
        found += _shorter(spec, stages[-1][0], limit, predict)
    return tuple(found)


def _stages(spec: TrainSpec, *, quantised: bool) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield changes that save more and more, and whether the run learns the same with them."""
    changes: dict[str, Any] = {}
    yield dict(changes), True
    if not spec.gradient_checkpointing:
        changes["gradient_checkpointing"] = True
        yield dict(changes), True
    if quantised and not spec.load_in_4bit:
        if not spec.load_in_8bit:
            yield {**changes, "load_in_8bit": True}, False
        more: dict[str, Any] = {"load_in_4bit": True}
        if spec.load_in_8bit:
            more["load_in_8bit"] = False
        changes |= more
        yield dict(changes), False


def _largest_batch(
    spec: TrainSpec, changes: Mapping[str, Any], limit: int, predict: Predict
) -> tuple[dict[str, Any], int] | None:
    for batch in ({}, *smaller_batches(spec)):
        wanted = {**batch, **changes}
        if not wanted:
            continue
        total = predict(changed(spec, **wanted)).total
        if total <= limit:
            return wanted, total
    return None


def _shorter(
    spec: TrainSpec, changes: Mapping[str, Any], limit: int, predict: Predict
) -> list[Nearest]:
    *_, smallest = ({}, *smaller_batches(spec))
    length = spec.max_length // 2
    while length >= SHORTEST:
        wanted = {**smallest, **changes, "max_length": length}
        total = predict(changed(spec, **wanted)).total
        if total <= limit:
            return [Nearest(wanted, total, False)]
        length //= 2
    return []
