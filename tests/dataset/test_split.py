from __future__ import annotations

import random
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.dataset.split import SIDES, Group, Side, divide, oldest_side
from engine.errors import DatasetRefused

fractions = st.floats(0.01, 0.99)
strata = st.tuples(st.sampled_from(["ro", "en"]), st.sampled_from(["note", "chat"]))
sides = st.sampled_from([None, None, None, *SIDES])


def groups(sizes: list[int]) -> list[Group]:
    return [Group(f"g{number}", size) for number, size in enumerate(sizes)]


def size_of(made: list[Group], given: tuple[Side, ...], side: Side) -> int:
    return sum(one.size for one, its in zip(made, given, strict=True) if its == side)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=12), fractions, st.integers(0, 99))
def test_sizes_come_as_near_as_whole_groups_allow(
    sizes: list[int], fraction: float, seed: int
) -> None:
    made = groups(sizes)
    validation = size_of(made, divide(made, fraction, 0, seed), "validation")
    total = sum(sizes)
    target = min(max(round(fraction * total), 1), total - 1)
    possible = {
        sum(chosen) for count in range(1, len(sizes)) for chosen in combinations(sizes, count)
    }
    assert 0 < validation < total
    assert abs(validation - target) == min(abs(one - target) for one in possible)


@given(st.lists(st.integers(1, 5), min_size=3, max_size=20), st.integers(0, 9), st.randoms())
def test_the_order_of_groups_decides_nothing(
    sizes: list[int], seed: int, shuffler: random.Random
) -> None:
    made = groups(sizes)
    before = {one.name: side for one, side in zip(made, divide(made, 0.2, 0.2, seed), strict=True)}
    shuffler.shuffle(made)
    after = {one.name: side for one, side in zip(made, divide(made, 0.2, 0.2, seed), strict=True)}
    assert after == before


@given(
    st.lists(st.tuples(st.integers(1, 5), strata, sides), min_size=3, max_size=30),
    st.floats(0.05, 0.45),
    st.sampled_from([0.0, 0.1, 0.3]),
    st.integers(0, 99),
)
def test_old_groups_stay_and_no_side_is_empty(
    made: list[tuple[int, tuple[str, ...], Side | None]], validation: float, test: float, seed: int
) -> None:
    given_groups = [
        Group(f"g{number}", size, stratum, side)
        for number, (size, stratum, side) in enumerate(made)
    ]
    try:
        given_sides = divide(given_groups, validation, test, seed)
    except DatasetRefused:
        # Only where what is new is too little to give each side something.
        wanted = {"train", "validation"} | ({"test"} if test else set())
        old = {one.side for one in given_groups} - {None}
        old = old if test else {"validation" if side == "test" else side for side in old}
        free = sum(one.side is None for one in given_groups)
        assert free < len(wanted - old)
        return
    for one, side in zip(given_groups, given_sides, strict=True):
        if one.side is not None:
            assert side == ("validation" if one.side == "test" and not test else one.side)
    assert {"train", "validation"} <= set(given_sides)
    assert ("test" in given_sides) == bool(test)


def test_new_groups_fill_up_what_is_missing() -> None:
    old = [Group(f"old{n}", 1, (), "validation" if n < 20 else "train") for n in range(100)]
    new = [Group(f"new{n}", 1) for n in range(50)]
    given_sides = divide([*old, *new], 0.2, 0, 0)
    assert given_sides[:100] == tuple(one.side for one in old)
    assert Counter(given_sides[100:])["validation"] == 10
    few = [Group(f"old{n}", 1, (), "validation" if n < 5 else "train") for n in range(100)]
    assert Counter(divide([*few, *new], 0.2, 0, 0)[100:])["validation"] == 25


def test_what_lacks_in_a_stratum_is_made_up_there() -> None:
    old = [Group(f"en{n}", 1, ("en",), "validation" if n < 20 else "train") for n in range(100)]
    new = [Group(f"{name}{n}", 1, (name,)) for name in ("en-", "ro") for n in range(100)]
    new = [Group(one.name, 1, (one.stratum[0].strip("-"),)) for one in new]
    given_sides = divide([*old, *new], 0.2, 0, 3)
    held_out = Counter(
        one.stratum[0]
        for one, side in zip([*old, *new], given_sides, strict=True)
        if side == "validation"
    )
    assert held_out == {"en": 40, "ro": 20}


@given(
    st.dictionaries(strata, st.integers(1, 60), min_size=1, max_size=4),
    st.sampled_from([0.1, 0.2, 0.5]),
    st.integers(0, 50),
)
def test_every_stratum_is_held_out_in_proportion(
    counts: dict[tuple[str, ...], int], share: float, seed: int
) -> None:
    made = [
        Group(f"{stratum}{n}", 1, stratum)
        for stratum, count in counts.items()
        for n in range(count)
    ]
    assume(len(made) > 1)
    given_sides = divide(made, share, 0, seed)
    held_out = Counter(
        one.stratum for one, side in zip(made, given_sides, strict=True) if side == "validation"
    )
    for stratum, count in counts.items():
        if count >= 1 / share:
            # Rounding, and what small strata that count together leave over.
            assert abs(held_out[stratum] - share * count) <= len(counts)


def test_other_seeds_divide_otherwise() -> None:
    made = groups([1] * 200)
    found = [divide(made, 0.2, 0, seed) for seed in range(3)]
    assert all(one.count("validation") == 40 for one in found)
    assert len(set(found)) == 3


def test_a_few_more_groups_move_few_others() -> None:
    before = divide(groups([1] * 500), 0.2, 0, 0)
    after = divide(groups([1] * 505), 0.2, 0, 0)
    moved = sum(one != other for one, other in zip(before, after, strict=False))
    assert moved <= 10


def test_three_sides_of_three_groups() -> None:
    assert sorted(divide(groups([5, 1, 9]), 0.3, 0.3, 0)) == ["test", "train", "validation"]
    with pytest.raises(DatasetRefused, match="can't be divided"):
        divide(groups([5, 1]), 0.3, 0.3, 0)


@pytest.mark.parametrize("size", [1, 7])
def test_one_group_can_not_be_divided(size: int) -> None:
    with pytest.raises(DatasetRefused, match="from one document") as caught:
        divide(groups([size]), 0.2, 0, 0)
    assert "2 documents" in caught.value.hint


def test_sides_that_earlier_datasets_fill_alone_are_named() -> None:
    made = [Group("a", 3, (), "train"), Group("b", 2, (), "train")]
    with pytest.raises(DatasetRefused, match="no row for validation") as caught:
        divide(made, 0.2, 0, 0)
    assert "--fresh-split" in caught.value.hint
    held_out = [Group("a", 3, (), "validation"), Group("b", 2, (), "validation")]
    with pytest.raises(DatasetRefused, match="no row for train"):
        divide(held_out, 0.2, 0, 0)


def test_a_group_of_several_old_sides_goes_where_it_was_seen_most() -> None:
    assert oldest_side(["test", "validation", "train"]) == "train"
    assert oldest_side(["test", "validation"]) == "validation"
    assert oldest_side([]) is None


def test_many_groups_are_no_trouble() -> None:
    made = groups([1, 2, 3] * 5000)
    given_sides = divide(made, 0.1, 0.1, 0)
    assert [size_of(made, given_sides, side) for side in SIDES] == [24_000, 3_000, 3_000]
