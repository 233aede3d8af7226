"""Batches taken apart are what their examples alone would have been."""

from __future__ import annotations

import pytest

from engine.train.data import collate, collate_packed
from engine.train.fit.shortage import halves, is_short, pieces, rows_of

ROWS = [
    {"input_ids": list(range(length)), "labels": list(range(length))} for length in (5, 3, 4, 2, 7)
]


@pytest.mark.slow
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_parts_of_a_batch_are_batches_of_their_examples(packed: bool, size: int) -> None:
    import torch

    def batch_of(rows: list[dict[str, list[int]]]) -> dict[str, object]:
        return dict(collate_packed(rows) if packed else collate(rows, pad_id=0))

    whole = batch_of(ROWS)
    assert rows_of(whole) == len(ROWS)
    parts = list(pieces(whole, size))
    wanted = [batch_of(ROWS[at : at + size]) for at in range(0, len(ROWS), size)]
    assert len(parts) == len(wanted)
    for part, alone in zip(parts, wanted, strict=True):
        assert part.keys() == alone.keys()
        for name, value in alone.items():
            same = torch.equal(part[name], value) if torch.is_tensor(value) else part[name] == value
            assert same, name


def test_batches_are_halved_down_to_one_example() -> None:
    assert list(halves(8)) == [4, 2, 1]
    assert list(halves(5)) == [3, 2, 1]
    assert list(halves(1)) == []


def test_only_want_of_memory_is_taken_for_it() -> None:
    said = "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"
    wrapped = ValueError("a step failed")
    wrapped.__cause__ = RuntimeError(said)
    assert is_short(MemoryError())
    assert is_short(RuntimeError(said))
    assert is_short(wrapped)
    assert not is_short(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_short(ValueError(said))
