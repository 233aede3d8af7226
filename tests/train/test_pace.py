"""How often a run is evaluated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.train.data import TokenRow
from engine.train.evaluating import fixed_part, since_best
from engine.train.pace import AT_LEAST, AT_MOST, Pace, evaluations


def run(pace: Pace, total: int, step_s: float, each_s: float, start: int = 0) -> list[int]:
    """Return the steps after which a run is evaluated that takes these times."""
    made = []
    for step in range(start + 1, total + 1):
        if pace.due(step, taken_s=step * step_s, step_s=step_s):
            pace.made(step, each_s)
            made.append(step)
    return made


_times = st.floats(1e-3, 1e3)


@given(st.integers(1, 400), _times, _times)
def test_evaluations_fit_in_a_tenth_or_are_three(total: int, step_s: float, each_s: float) -> None:
    pace = Pace(total)
    pace.made(0, each_s)
    made = run(pace, total, step_s, each_s)
    assert made[-1] == total
    inner = made[:-1]
    assert len(inner) >= min(AT_LEAST, total - 1)
    assert len(inner) <= AT_MOST
    spent = each_s * (len(made) + 1)
    whole = spent + total * step_s
    if len(inner) > AT_LEAST:
        assert spent <= whole / 10 * (1 + 1e-9)
    # As many as fit: with one more they would take more than a tenth, or there is no step for it.
    if AT_LEAST <= len(inner) < min(AT_MOST, total // 3):
        assert spent + each_s > (whole + each_s) / 10 * (1 - 1e-9)
    gaps = [after - before for before, after in zip([0, *made], made, strict=False)]
    assert max(gaps) - min(gaps) <= max(2, total / (len(inner) + 1))


@given(st.integers(5, 300), _times, _times, st.data())
def test_a_resumed_run_is_evaluated_after_the_same_steps(
    total: int, step_s: float, each_s: float, data: st.DataObject
) -> None:
    whole = Pace(total)
    whole.made(0, each_s)
    made = run(whole, total, step_s, each_s)
    at = data.draw(st.integers(1, total - 1))
    resumed = Pace(total)
    resumed.restore({0: each_s, **{step: each_s for step in made if step <= at}})
    assert run(resumed, total, step_s, each_s, at) == [step for step in made if step > at]


def test_what_a_person_asks_for_rules() -> None:
    assert run(Pace(25, every=10), 25, 1e-6, 1e6) == [10, 20, 25]


def test_a_slower_machine_is_looked_at_less_often() -> None:
    pace = Pace(1000)
    pace.made(0, 1.0)
    first = run(pace, 500, 1.0, 1.0)
    assert first[-1] == 500  # the loop's end
    # One takes a hundred times as long: the time is spent, none follows but the last.
    pace.made(510, 100.0)
    assert [step for step in range(511, 1001) if pace.due(step, taken_s=step, step_s=1.0)] == [1000]


def test_what_evaluations_will_take_is_as_computed_by_hand() -> None:
    """A hundred steps of 1 s, 2 s an evaluation: a ninth of 100 s has room for five in all."""
    pace = Pace(100)
    assert pace.left_s(0, taken_s=0.0, step_s=1.0) == 0.0  # nothing is measured yet
    pace.made(0, 1.5)
    pace.made(0, 0.5)  # its samples
    assert pace.left_s(10, taken_s=10.0, step_s=1.0) == 4 * 2.0  # after 25, 50, 75 and 100
    pace.made(25, 2.0)
    assert pace.left_s(25, taken_s=25.0, step_s=1.0) == 3 * 2.0
    pace.made(50, 5.0)  # a mean of 3 s; one is owed, and the last one
    assert pace.left_s(60, taken_s=60.0, step_s=1.0) == 2 * 3.0
    pace.made(75, 2.0)
    assert pace.left_s(99, taken_s=99.0, step_s=1.0) == 3.0
    assert pace.left_s(100, taken_s=100.0, step_s=1.0) == 0.0
    asked = Pace(35, every=10)
    asked.made(0, 4.0)
    assert asked.left_s(12, taken_s=1.0, step_s=1.0) == 3 * 4.0  # after 20, 30 and 35
    assert evaluations(35, every=10, steps_s=1.0, each_s=9.0) == 5
    assert evaluations(30, every=10, steps_s=1.0, each_s=9.0) == 4
    assert evaluations(100, steps_s=100.0, each_s=2.0) == 5
    assert evaluations(1, steps_s=1.0, each_s=1.0) == 2


@given(st.integers(1, 300), st.integers(1, 1000), st.integers(1, 1000))
def test_a_forecast_counts_the_evaluations_that_are_made(
    total: int, step_s: int, each_s: int
) -> None:
    pace = Pace(total)
    pace.made(0, each_s)
    told = {}
    made = []
    for step in range(1, total + 1):
        if pace.due(step, taken_s=step * step_s, step_s=step_s):
            pace.made(step, each_s)
            made.append(step)
        told[step] = pace.left_s(step, taken_s=step * step_s, step_s=step_s) / each_s
    assert evaluations(total, steps_s=total * step_s, each_s=each_s) == len(made) + 1
    for step, count in told.items():
        assert count == pytest.approx(sum(at > step for at in made))
    assert told[total] == 0


def rows(count: int) -> list[TokenRow]:
    return [TokenRow(id=f"b2-{index}", ids=(1, 2), labels=(-100, 2)) for index in range(count)]


def test_a_large_split_is_evaluated_by_a_part_that_stays_the_same() -> None:
    assert len(fixed_part(rows(64), seed=0, trained_rows=10)) == 64
    part = fixed_part(rows(1000), seed=0, trained_rows=10)
    assert len(part) == 64
    assert part == fixed_part(rows(1000), seed=0, trained_rows=10)
    assert part != fixed_part(rows(1000), seed=1, trained_rows=10)
    # The order in which the rows stand does not choose them; it is kept.
    other = fixed_part(rows(1000)[::-1], seed=0, trained_rows=10)
    assert other == part[::-1]
    # 5 forward passes of 1/3 of a step's time each in a tenth: 6% of what is trained.
    assert len(fixed_part(rows(1000), seed=0, trained_rows=5000)) == 300
    assert len(fixed_part(rows(1000), seed=0, trained_rows=1e9)) == 512


def test_patience_counts_from_the_first_best() -> None:
    assert since_best({0: 1.0}) == 0
    assert since_best({0: 1.0, 5: 3.0}) == 0
    assert since_best({0: 1.0, 5: 3.0, 10: 3.0, 15: 3.5}) == 2
    assert since_best({0: 1.0, 5: 3.0, 10: 2.9}) == 0
