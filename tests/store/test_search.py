from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.models import Filter
from engine.store import Store
from tests.store.support import NOW, example, filled, ids, turns
from tests.support.properties import tries

TEXTS = (
    turns("What did the “offsite” teach me?", "I said no; it took a week to see why."),
    turns("Café société?", "C'était naïve — and re-opened on 2025-03-14."),
    turns("旅行はどうでしたか", "東京で友達に会いました。"),
    turns("AND OR NOT NEAR", 'He said "quoted" and (left) NEAR(2) col:umn x^2'),
    turns("snake_case and C++?", "nul\x00inside lone\ud83dhalf"),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    found = [
        example(number, text=text, heading=f"Heading{number}", title="A title")
        for number, text in enumerate(TEXTS)
    ]
    store = filled(tmp_path_factory.mktemp("search") / "finetui.db", found)
    yield store
    store.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("offs", [0]),
        ("OFFSITE week", [0]),
        ("offsite nothing", []),
        ("cafe", [1]),
        ("SOCIÉTÉ naive", [1]),
        ("re-open", [1]),
        ("took-a-we", [0]),
        ("week-took", []),
        ("たか", [2]),
        ("会", [2]),
        ("2025-03", [1]),
        ("友達", [2]),
        ("東京で友", [2]),
        ("京東", []),
        ("and or", [3]),
        ("NOT", [3]),
        ('"quot', [3]),
        ('quo"ted', []),
        ("near(2)", [3]),
        ("col:um", [3]),
        ("x^2", [3]),
        ("snake_c", [4]),
        ("c++", [1, 4]),
        ("inside", [4]),
        ("half", [4]),
        ("heading3", [3]),
        ("titl", [0, 1, 2, 3, 4]),
        ("", [0, 1, 2, 3, 4]),
        ("  ", [0, 1, 2, 3, 4]),
        ('"', []),
        ("* - +", []),
    ],
)
def test_words_are_found_by_their_beginnings(store: Store, text: str, expected: list[int]) -> None:
    order = ids(store)
    found = [order.index(row.example_id) for row in store.queue_page(Filter(text=text))]
    if text == "c++":  # a prefix of many words
        assert set(expected) <= set(found)
    else:
        assert found == expected


@settings(max_examples=tries(300), deadline=None)
@given(
    st.text(st.characters(codec=None, exclude_categories=()))
    | st.text("\"*^():+-{}<>~\\'ANDORTNE x\0\ud800é友", max_size=40)
)
def test_no_text_of_a_person_raises(store: Store, text: str) -> None:
    which = Filter(text=text)
    assert store.queue_size(which) == len(store.queue_page(which)) == len(list(store.cards(which)))


def test_very_long_searches_are_cut(store: Store) -> None:
    assert store.queue_size(Filter(text="title " * 5000)) == len(TEXTS)


def test_the_index_follows_edits_and_their_undoing(store: Store) -> None:
    target = ids(store)[0]
    before = store.queue_page()
    store.append("edit", target, turns=turns("Xylophone?", "Yes."), at=NOW)
    assert [row.example_id for row in store.queue_page(Filter(text="xylo"))] == [target]
    assert store.queue_size(Filter(text="offsite")) == 0
    store.undo(at=NOW)
    assert store.queue_size(Filter(text="xylo")) == 0
    assert [row.example_id for row in store.queue_page(Filter(text="offsite"))] == [target]
    assert store.queue_page() == before
