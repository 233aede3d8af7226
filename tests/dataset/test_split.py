from __future__ import annotations

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dataset.rows import Row
from engine.dataset.split import split
from engine.errors import DatasetRefused
from engine.models import Turn

LONG = "The same long answer, which nobody writes twice by chance, not even in two notes of his."

fractions = st.floats(0.01, 0.99)


def rows(sizes: list[int]) -> list[Row]:
    return [
        Row(f"{group}-{number}", (Turn("user", "Q"), Turn("assistant", "Yes.")), {}, f"g{group}")
        for group, size in enumerate(sizes)
        for number in range(size)
    ]


@given(st.lists(st.integers(1, 9), min_size=2, max_size=12), fractions, st.integers(0, 99))
def test_groups_stay_whole_and_sizes_come_as_near_as_they_can(
    sizes: list[int], fraction: float, seed: int
) -> None:
    made = rows(sizes)
    train, validation = split(made, fraction, seed)
    assert sorted(row.id for row in (*train, *validation)) == sorted(row.id for row in made)
    assert {row.group for row in train}.isdisjoint(row.group for row in validation)
    assert train
    assert validation
    target = min(max(round(fraction * len(made)), 1), len(made) - 1)
    possible = {
        sum(chosen) for count in range(1, len(sizes)) for chosen in combinations(sizes, count)
    }
    assert abs(len(validation) - target) == min(abs(total - target) for total in possible)


@given(st.lists(st.integers(1, 5), min_size=2, max_size=20), fractions, st.randoms())
def test_the_order_of_rows_decides_nothing(
    sizes: list[int], fraction: float, shuffler: random.Random
) -> None:
    made = rows(sizes)
    held_out = {row.id for row in split(made, fraction, 0)[1]}
    shuffler.shuffle(made)
    assert {row.id for row in split(made, fraction, 0)[1]} == held_out


def test_the_order_within_a_side_is_kept_and_seeds_differ() -> None:
    made = rows([1] * 200)
    sides = [split(made, 0.2, seed) for seed in range(3)]
    assert all(len(validation) == 40 for _, validation in sides)
    assert len({tuple(row.id for row in validation) for _, validation in sides}) == 3
    order = {row.id: place for place, row in enumerate(made)}
    for side in sides[0]:
        places = [order[row.id] for row in side]
        assert places == sorted(places)


def test_a_few_more_examples_move_few_others() -> None:
    before = {row.id for row in split(rows([1] * 500), 0.2, 0)[1]}
    after = {row.id for row in split(rows([1] * 505), 0.2, 0)[1]}
    assert len(before - after) <= 10


def test_documents_with_one_long_answer_stay_together() -> None:
    made = rows([1] * 30)
    answer = (Turn("user", "Q"), Turn("assistant", LONG))
    made[3] = Row("x", answer, {}, "g3")
    made[17] = Row("y", (*answer, *answer), {}, "g17")
    made[25] = Row("z", answer, {}, "g25")
    for seed in range(40):
        held_out = {row.id for row in split(made, 0.3, seed)[1]}
        assert len(held_out & {"x", "y", "z"}) in (0, 3)
        assert len(held_out) == 9


@pytest.mark.parametrize("made", [rows([1]), rows([7])])
def test_one_group_can_not_be_divided(made: list[Row]) -> None:
    with pytest.raises(DatasetRefused, match="from one document"):
        split(made, 0.2, 0)


def test_many_documents_are_no_trouble() -> None:
    train, validation = split(rows([1, 2, 3] * 5000), 0.1, 0)
    assert (len(train), len(validation)) == (27_000, 3_000)
