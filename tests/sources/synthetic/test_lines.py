from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from engine.sources.synthetic.lines import Lines

SOURCE = (Path(__file__).parent / "places.toml").read_text("utf-8")


def test_keys_elements_and_tables() -> None:
    tomllib.loads(SOURCE)
    lines = Lines(SOURCE)
    assert lines.line("title") == 2
    assert lines.line("slots") == 4
    assert lines.line("slots", "quoted key") == 5
    assert lines.line("slots", "plain", "ro") == 6
    assert lines.line("slots", "plain", "ro", 1) == 6
    assert lines.line("slots", "dotted", "inner", "key") == 7
    assert lines.line("topic", 0) == 9
    assert lines.line("topic", 0, "name") == 10
    assert [lines.line("topic", 0, "list", number) for number in range(4)] == [15, 16, 17, 18]
    assert lines.line("topic", 0, "list", 1, 1) == 16
    assert lines.line("topic", 0, "list", 2, "c") == 17
    assert lines.line("topic", 0, "template", 0, "name") == 23
    assert lines.line("topic", 1) == 25
    assert lines.line("topic", 1, "template", 1) == 27
    assert lines.line("topic", 1, "template", 1, "en", "question") == 28
    assert lines.line("topic", 1, "extra", "deep") == 30


def test_what_is_not_there_stands_where_it_would() -> None:
    lines = Lines(SOURCE)
    assert lines.line("topic", 1, "template", 1, "ro", "answer") == 27
    assert lines.line("nothing", "at", "all") == 1
    assert Lines("").line("x") == 1


def test_characters_of_long_strings() -> None:
    value = tomllib.loads(SOURCE)["topic"][0]["name"]
    assert value == 'first folded\nthird "quoted" A'
    lines = Lines(SOURCE)
    at = {word: value.index(word) for word in ("first", "folded", "third", "quoted", "A")}
    path = ("topic", 0, "name")
    assert {word: lines.line_in(offset, *path) for word, offset in at.items()} == {
        "first": 11, "folded": 12, "third": 13, "quoted": 13, "A": 13,
    }  # fmt: skip
    assert lines.line_in(3, "topic", 0, "list", 3) == 19
    assert lines.line_in(3, "no", "string") == 1


_KEYS = st.text("ab-_ .é\"'#[]\n", min_size=1, max_size=5)
_SCALARS = st.one_of(
    st.integers(), st.booleans(), st.text("ab\"'\\\n#[]{},=é", max_size=12), st.floats()
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=3)),
    max_leaves=12,
)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(found for key, part in inner for found in _paths(part, (*path, key)))]


@given(st.dictionaries(_KEYS, _TREES, max_size=4), st.booleans())
def test_any_toml_is_walked_to_its_end(tree: dict[str, Any], long: bool) -> None:
    source = tomli_w.dumps(tree, multiline_strings=long)
    lines = Lines(source)
    count = source.count("\n") + 1
    for path in _paths(tree):
        assert 1 <= lines.line(*path) <= count
    # Top-level keys that are bare are found where a person would look for them.
    for key in tree:
        if key.isascii() and key.replace("-", "").replace("_", "").isalnum():
            written = source.split("\n")[lines.line(key) - 1]
            assert key in written
