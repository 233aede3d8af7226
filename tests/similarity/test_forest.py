"""Pairs, forests and clusters, against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.child import never
from engine.models import Link
from engine.similarity import FLOOR, clusters, nearest
from engine.similarity import pairs as pairs_module
from engine.similarity.forest import Forest, components, spanning
from engine.similarity.index import candidates
from engine.similarity.linkage import NUMBERS_APART
from engine.similarity.pairs import Pairs, Side, Space, pairs_above, sketch
from tests.similarity.support import Rows, partition, scattered
from tests.support.properties import tries


def listed(found: list[Pairs]) -> dict[tuple[int, int], float]:
    """Return pairs and their similarities; each must come once."""
    every = [
        ((a, b), s)
        for one in found
        for a, b, s in zip(one.a.tolist(), one.b.tolist(), one.similarity.tolist(), strict=True)
    ]
    assert len({pair for pair, _ in every}) == len(every)
    return dict(every)


def brute(similarity: Rows, floor: float, leading: int) -> dict[tuple[int, int], float]:
    """Return all pairs of a matrix that are near."""
    return {
        (a, b): float(similarity[a, b])
        for a, b in itertools.combinations(range(len(similarity)), 2)
        if similarity[a, b] >= floor and a < leading
    }


def assert_same(found: dict[tuple[int, int], float], wanted: dict[tuple[int, int], float]) -> None:
    # A similarity at the very floor may fall on either side by rounding.
    for pair in found.keys() ^ wanted.keys():
        assert {**found, **wanted}[pair] == pytest.approx(FLOOR, abs=1e-5)
    for pair in found.keys() & wanted.keys():
        assert found[pair] == pytest.approx(wanted[pair], abs=1e-5)


@given(
    seed=st.integers(0, 10_000),
    number=st.integers(1, 70),
    dimensions=st.sampled_from([3, 24, 160]),
    leading=st.none() | st.integers(0, 70),
    dense=st.sampled_from([0.0, 0.02, 1.0]),
    few=st.sampled_from([0, 20]),
)
@settings(max_examples=tries(60))
def test_all_pairs_are_found(
    seed: int, number: int, dimensions: int, leading: int | None, dense: float, few: int
) -> None:
    rows = scattered(number, seed, knots=4, dimensions=dimensions)
    with pytest.MonkeyPatch.context() as patch:
        # Small tiles, so that there are several; and both ways of computing one.
        patch.setattr(pairs_module, "_TILE_ROWS", 16)
        patch.setattr(pairs_module, "_TILE_COLUMNS", 32)
        patch.setattr(pairs_module, "_DENSE", dense)
        patch.setattr(pairs_module, "_FEW", few)
        found = listed(list(pairs_above(Space(Side(rows), floor=FLOOR), FLOOR, leading=leading)))
    first = number if leading is None else min(leading, number)
    assert_same(found, brute(rows @ rows.T, FLOOR, first))


@given(seed=st.integers(0, 10_000), number=st.integers(2, 60))
@settings(max_examples=tries(40))
def test_of_two_sides_the_lesser_counts_and_other_numbers_keep_apart(
    seed: int, number: int
) -> None:
    chance = np.random.default_rng(seed)
    prompts, answers = scattered(9, seed, knots=2), scattered(12, seed + 1, knots=2)
    of_prompt, of_answer = chance.integers(0, 9, number), chance.integers(0, 12, number)
    numbers = chance.integers(0, 3, 9)
    space = Space(Side(prompts, numbers, of_prompt), Side(answers, None, of_answer), floor=FLOOR)
    found = listed(list(pairs_above(space, FLOOR)))
    mine = numbers[of_prompt]
    apart = (mine[:, None] != mine) & (mine[:, None] > 0) & (mine > 0)
    asked = (prompts @ prompts.T)[of_prompt][:, of_prompt] - NUMBERS_APART * apart
    wanted = np.minimum(asked, (answers @ answers.T)[of_answer][:, of_answer])
    assert_same(found, brute(np.minimum(wanted, np.float32(0.999999)), FLOOR, number))


@given(seed=st.integers(0, 1_000), dimensions=st.sampled_from([5, 129, 130, 200, 384]))
@settings(max_examples=tries(20))
def test_a_sketch_never_says_less_than_the_similarity(seed: int, dimensions: int) -> None:
    rows = scattered(40, seed, dimensions=dimensions)
    short = sketch(rows)
    assert short.shape[1] <= 129
    assert (short @ short.T >= rows @ rows.T - 1e-5).all()


@given(
    st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19), st.integers(70, 99)), max_size=120),
    st.sampled_from([1, 5, 1_000]),
    st.integers(1, 30),
)
def test_a_forest_joins_what_all_pairs_join_at_any_threshold(
    raw: list[tuple[int, int, int]], batch: int, part: int
) -> None:
    every = [(min(a, b), max(a, b), s / 100) for a, b, s in raw if a != b]
    forest = Forest(20, batch, twice=True)
    for start in range(0, len(every), part):
        some = every[start : start + part]
        forest.add(
            Pairs(
                np.array([one[0] for one in some]),
                np.array([one[1] for one in some]),
                np.array([one[2] for one in some], np.float32),
            )
        )
    edges = forest.edges()
    assert len(edges) < 20
    links = [Link("both", a, b, s) for a, b, s in every]
    kept = [
        Link("both", a, b, round(s, 2))
        for a, b, s in zip(
            edges.a.tolist(), edges.b.tolist(), edges.similarity.tolist(), strict=True
        )
    ]
    assert {(one.a, one.b, one.similarity) for one in kept} <= set(every)
    for threshold in (0.7, 0.75, 0.8, 0.9, 0.95, 0.99):
        assert partition(kept, "both", threshold) == partition(links, "both", threshold)


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.floats(0.7, 1)), max_size=30),
    st.floats(0.7, 1),
)
def test_clusters_are_those_of_single_linkage(
    raw: list[tuple[int, int, float]], threshold: float
) -> None:
    links = [Link("both", min(a, b), max(a, b), s) for a, b, s in raw if a != b]
    found = clusters(links, threshold)
    assert {frozenset(one) for one in found} == partition(links, "both", threshold)
    assert found == sorted(found)
    assert all(list(one) == sorted(one) and len(one) > 1 for one in found)


def test_very_many_equal_rows_stay_within_a_batch() -> None:
    rows = np.repeat(scattered(2, 3, knots=2), 1_500, axis=0)
    forest = Forest(len(rows), batch=10_000)
    most = 0
    for found in pairs_above(Space(Side(rows), floor=FLOOR), FLOOR):
        forest.add(found)
        most = max(most, forest.held)
    edges = forest.edges()
    assert len(edges) in (len(rows) - 1, len(rows) - 2)
    assert most <= 10_000
    assert len(set(components(edges, len(rows)).tolist())) == len(rows) - len(edges)


def test_no_pairs_make_no_forest() -> None:
    assert len(Forest(0).edges()) == 0
    assert len(Forest(3).edges()) == 0
    empty = np.empty(0, np.int64)
    assert len(spanning(Pairs(empty, empty, np.empty(0, np.float32)), 0)) == 0
    assert list(pairs_above(Space(Side(scattered(1)), floor=FLOOR), FLOOR)) == []


def test_comparing_can_be_stopped() -> None:
    space = Space(Side(scattered(300)), floor=FLOOR)
    assert list(pairs_above(space, FLOOR, cancelled=lambda: True)) == []
    assert list(candidates(space, FLOOR, cancelled=lambda: True)) == []


def test_an_index_finds_nearly_all_pairs() -> None:
    rows = scattered(3_000, 5, knots=400, dimensions=48)
    space = Space(Side(rows), floor=FLOOR)
    exact = listed(list(pairs_above(space, FLOOR)))
    found: set[tuple[int, int]] = set()
    for some in candidates(space, FLOOR, cancelled=never):
        assert (some.similarity >= FLOOR).all()
        found.update(zip(some.a.tolist(), some.b.tolist(), strict=True))
    assert found <= exact.keys()
    assert len(found) >= 0.99 * len(exact)


def test_an_index_of_two_sides_looks_at_both() -> None:
    rows = scattered(600, 6, knots=100, dimensions=48)
    others = scattered(600, 7, knots=100, dimensions=48)
    space = Space(Side(rows), Side(others, None, np.arange(600) // 2), floor=FLOOR)
    exact = listed(list(pairs_above(space, FLOOR)))
    found: dict[tuple[int, int], float] = {}
    for some in candidates(space, FLOOR):
        found.update(
            zip(zip(some.a.tolist(), some.b.tolist(), strict=True), some.similarity, strict=True)
        )
    assert found.keys() <= exact.keys()
    assert len(found) >= 0.99 * len(exact) > 0


@given(seed=st.integers(0, 1_000), queries=st.integers(0, 30), number=st.integers(0, 50))
@settings(max_examples=tries(30))
def test_nearest_is_the_nearest(seed: int, queries: int, number: int) -> None:
    asked, rows = scattered(queries, seed), scattered(number, seed + 1)
    index, similarity = nearest(asked, rows)
    assert index.shape == similarity.shape == (queries,)
    if not number:
        assert (index == -1).all()
        return
    products = asked @ rows.T
    assert np.allclose(similarity, products.max(axis=1, initial=-2.0), atol=1e-5)
    assert np.allclose(products[np.arange(queries), index], similarity, atol=1e-5)
