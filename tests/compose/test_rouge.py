from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compose.rouge import MAX_TOKENS, Pool, rouge_l, tokens

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=12).map(tuple)


def lcs(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    """Return the length of the longest common subsequence by the textbook's table."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            longer = max(table[i][j + 1], table[i + 1][j])
            table[i + 1][j + 1] = table[i][j] + 1 if a == b else longer
    return table[-1][-1]


@given(WORDS, WORDS)
def test_rouge_l_is_the_f1_of_the_longest_common_subsequence(
    first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    expected = 2 * lcs(first, second) / (len(first) + len(second)) if first and second else 0.0
    assert rouge_l(first, second) == pytest.approx(expected)
    assert rouge_l(first, second) == rouge_l(second, first)
    assert (rouge_l(first, first) == 1.0) == bool(first)


def test_the_example_of_the_paper() -> None:
    # Lin 2004, section 3.1: S1 against S2 and S3.
    police = tokens("police killed the gunman")
    assert rouge_l(police, tokens("police kill the gunman")) == 0.75
    assert rouge_l(police, tokens("the gunman kill police")) == 0.5


@given(st.lists(st.text("abc ", max_size=12), max_size=8), st.text("abc ", max_size=12))
def test_the_pool_finds_what_is_alike_and_only_that(known: list[str], text: str) -> None:
    pool = Pool()
    for other in known:
        pool.add(other)
    likeness, found = pool.nearest(text, 0.7)
    scores = [rouge_l(tokens(text), tokens(other)) for other in known]
    assert bool(found) == any(score >= 0.7 for score in scores)
    if found:
        assert likeness == rouge_l(tokens(text), tokens(found)) >= 0.7


def test_words_of_every_script_count_and_long_texts_are_bounded() -> None:
    assert tokens("Cine ești, TU? Grüße 42") == ("cine", "ești", "tu", "grüsse", "42")
    assert len(tokens("a " * 5000)) == MAX_TOKENS
