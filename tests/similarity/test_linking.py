"""Links brought up to date: what changed bit by bit equals what is computed at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.child import never, quiet
from engine.models import Link
from engine.similarity.cache import VectorCache
from engine.similarity.linking import Tables, link
from engine.similarity.reading import WHATS, Sides, unpacked
from engine.similarity.texts import key_of
from tests.similarity.support import partition, scattered, sides_of
from tests.support.properties import tries

TEXTS = [f"text {chr(97 + number)}" for number in range(14)]
Examples = dict[int, Sides]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> VectorCache:
    """Return a cache with a vector for each text but the last, which the model refused."""
    opened = VectorCache(tmp_path_factory.mktemp("cache") / "vectors.db")
    rows = scattered(len(TEXTS), 11, knots=3)
    opened.keep({key_of(text): rows[at] for at, text in enumerate(TEXTS[:-1])})
    return opened


def all_links(
    now: Examples, cache: VectorCache, before: Examples | None = None, old: list[Link] | None = None
) -> list[Link]:
    found: list[Link] = []
    tables = Tables(now, cache)
    for what in WHATS:
        mine = [one for one in old or [] if one.what == what]
        found += link(what, now, before or {}, mine, tables, quiet, never).links
    return found


def chosen() -> st.SearchStrategy[Sides]:
    side = st.sampled_from([*TEXTS, ""])
    return st.builds(sides_of, side, side)


@given(
    st.dictionaries(st.integers(1, 12), chosen(), max_size=12),
    st.lists(st.dictionaries(st.integers(1, 14), chosen() | st.none(), max_size=4), max_size=4),
)
@settings(max_examples=tries(80))
def test_changes_one_by_one_equal_all_at_once(
    cache: VectorCache, first: Examples, changes: list[dict[int, Sides | None]]
) -> None:
    before, links = first, all_links(first, cache)
    for change in changes:
        now = {p: one for p, one in {**before, **change}.items() if one is not None}
        links = all_links(now, cache, before, links)
        before = now
    scratch = all_links(before, cache)
    assert len(links) == len(scratch)
    for what in WHATS:
        values = sorted(one.similarity for one in links if one.what == what)
        wanted = sorted(one.similarity for one in scratch if one.what == what)
        assert values == pytest.approx(wanted, abs=2e-5)
        for threshold in {round(value, 3) + 0.0005 for value in wanted} | {0.7}:
            assert partition(links, what, threshold) == partition(scratch, what, threshold)


@given(st.dictionaries(st.integers(1, 20), chosen(), max_size=20))
@settings(max_examples=tries(60))
def test_links_join_what_brute_force_joins(cache: VectorCache, now: Examples) -> None:
    links = all_links(now, cache)
    rows = dict(zip(map(key_of, TEXTS), scattered(len(TEXTS), 11, knots=3), strict=True))
    rows[key_of(TEXTS[-1])] = np.zeros(24, np.float32)

    def alike(one: bytes, other: bytes) -> float:
        if one == other:
            return 1.0
        return float(rows[one] @ rows[other]) if one and other else 0.0

    every = []
    for a, mine in now.items():
        for b, other in now.items():
            if a < b:
                asked, answered = (
                    alike(mine.prompt, other.prompt),
                    alike(mine.answer, other.answer),
                )
                if (mine.prompt, mine.answer) != (b"", b"") != (other.prompt, other.answer):
                    every.append(Link("both", a, b, min(asked, answered)))
                if mine.prompt and other.prompt:
                    every.append(Link("prompt", a, b, asked))
                if mine.answer and other.answer:
                    every.append(Link("answer", a, b, answered))
    for what in WHATS:
        for threshold in (0.71, 0.8, 0.9, 0.97, 1.0):
            assert partition(links, what, threshold) == partition(every, what, threshold)
    assert all(one.a < one.b for one in links)


def test_nothing_new_compares_nothing(tmp_path: Path) -> None:
    now = {1: sides_of("a", "b"), 2: sides_of("a", "b"), 3: sides_of("c", "d")}
    old = [Link("both", 1, 2, 1.0), Link("both", 1, 3, 0.8)]
    # There are no vectors at all: asking for one would leave the pair out.
    with VectorCache(tmp_path / "empty.db") as empty:
        again = link("both", now, now, old, Tables(now, empty), quiet, never)
    assert sorted(again.links, key=lambda one: one.b) == old


@given(chosen())
def test_sides_are_kept_as_text(one: Sides) -> None:
    assert unpacked(one.packed()) == one


@pytest.mark.parametrize("text", ["", "x", "a|b|c|d|e", "a|zz|00|0|0", "a||||", "||||||"])
def test_what_was_not_packed_is_not_unpacked(text: str) -> None:
    assert unpacked(text) is None
