"""A batch that does not fit into memory is computed in smaller parts; the step stays the same.

A step's loss is the sum over its trained tokens divided by their number, which is known before
the first batch. So the gradients of two halves add up to those of the whole, and a run that went on
in halves learns what it would have learnt, within float error.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from engine.errors import RunFailed

T = TypeVar("T")

# What torch, oneDNN, cuBLAS and bitsandbytes say where memory is short; CPU errors have no type.
_SAID = (
    "can't allocate memory",
    "DefaultCPUAllocator",
    "not enough memory",
    "out of memory",
    "std::bad_alloc",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "could not create a memory",
)


def is_short(error: BaseException) -> bool:
    """Say whether an exception, or one that it came from, means that memory did not suffice."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, MemoryError) or type(cause).__name__ == "OutOfMemoryError":
            return True
        if isinstance(cause, RuntimeError) and any(word in str(cause) for word in _SAID):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def release() -> None:
    """Give back what nobody holds any more."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def attempt(work: Callable[[], T]) -> tuple[bool, T | None]:
    """Do some work; where memory does not suffice, forget all of it.

    Returns:
        Whether it was done, and its result. The exception is not handed out: its traceback
        would keep the tensors of the work.
    """
    try:
        return True, work()
    except Exception as error:
        if not is_short(error):
            raise
    release()
    return False, None


def shrinking(rows: int, work: Callable[[int], T]) -> T:
    """Do some work with so many examples at once, or with as many as fit.

    Args:
        rows: Examples at once, to begin with.
        work: Takes that number; its result does not depend on it.

    Raises:
        RunFailed: Not even one fits.
    """
    for size in (rows, *halves(rows)):
        found: list[T] = []
        done, _ = attempt(partial(_kept, found, work, size))
        if done:
            return found[0]
    raise RunFailed(
        "not even one example at once fits into memory",
        hint="finetui fit says what a run takes, and which settings fit",
    )


def _kept(found: list[T], work: Callable[[int], T], size: int) -> None:
    found.append(work(size))


def rows_of(inputs: Mapping[str, Any]) -> int:
    """Return how many examples a batch has, padded or packed."""
    lengths = inputs.get("row_lengths")
    return int(inputs["input_ids"].shape[0]) if lengths is None else len(lengths)


def pieces(inputs: Mapping[str, Any], rows: int) -> Iterator[dict[str, Any]]:
    """Yield a batch in parts of so many examples, each without padding that none of its own needs.

    Args:
        inputs: What :func:`engine.train.data.collate` or ``collate_packed`` returns.
        rows: Examples in a part.
    """
    lengths = inputs.get("row_lengths")
    if lengths is not None:
        at = 0
        for start in range(0, len(lengths), rows):
            own = lengths[start : start + rows]
            end = at + sum(own)
            tensors = {name: v[:, at:end] for name, v in inputs.items() if name != "row_lengths"}
            yield {**tensors, "row_lengths": own}
            at = end
        return
    whole, length = inputs["input_ids"].shape[:2]
    for start in range(0, whole, rows):
        part = {name: value[start : start + rows] for name, value in inputs.items()}
        mask = part.get("attention_mask")
        if mask is not None:
            used = int(mask.sum(dim=-1).max())
            part = {
                name: value[:, :used] if value.ndim == 2 and value.shape[1] == length else value
                for name, value in part.items()
            }
        yield part


def halves(rows: int) -> Iterator[int]:
    """Yield smaller and smaller batches: each half of the one before, down to one example."""
    while rows > 1:
        rows = (rows + 1) // 2
        yield rows
