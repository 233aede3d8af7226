"""Work in several processes, of which one is killed."""

from __future__ import annotations

import multiprocessing
from concurrent.futures.process import BrokenProcessPool

import pytest

from engine.spread import spread

# Far more than a pipe holds, so that a process spends its time with writing.
_RESULT_BYTES = 3_000_000


def _written(number: int) -> bytes:
    return bytes([number]) * _RESULT_BYTES


@pytest.mark.timeout(60)
@pytest.mark.parametrize("at", [3, 4, 5])
def test_one_killed_while_it_writes_is_not_waited_for(at: int) -> None:
    others = set(multiprocessing.active_children())
    found: list[int] = []
    with pytest.raises(BrokenProcessPool):  # noqa: PT012 - the loop is what raises
        for number, result in enumerate(spread(_written, range(60))):
            found.append(result[0])
            if number == at:
                (set(multiprocessing.active_children()) - others).pop().kill()
    assert found == list(range(len(found)))


def test_results_come_in_order() -> None:
    assert [result[0] for result in spread(_written, range(8))] == list(range(8))
