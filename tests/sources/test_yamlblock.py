from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from engine.sources.yamlblock import load_block, simple_values

_KEYS = st.sampled_from(["title", "tags", "date", "On", "yes", "my key", "a-b", "größe", "x2"])
_SCALARS = st.sampled_from([
    "words of a title", "2024-03-14", "2024-02-30", "2024-03-14T10:00:00",
    "2024-03-14T10:00:00+02:00",
    "2024-03-14T10:00:00Z", "7", "007", "1_000", "1.5", "1.", "12:30", "0x1f", "true", "No", "~",
    "null",
    "'single'", "'it''s'", '"double"', '"a \\"b\\""', '"open', "[a, b]", "[a, 'b c', \"d\"]",
    "[a: b]",
    "[]", "[a,]", "{a: b}", "a: b", "a # b", "a #", "#tag", "- a", "*alias", "&anchor x", "!!str x",
    "[[link]]", "https://example.org", "é “quoted” — word", "trailing:", "a\tb", "|", ">", "%x",
    "@x", "`x`",
    "\u2028x", "\u00a0x", "Ünïcode", ".5", "-5", "+5", "1e5", "= x", "<<", "...",
]) | st.text(max_size=8)  # fmt: skip
_LINES = st.one_of(
    st.tuples(_KEYS, _SCALARS).map(lambda pair: f"{pair[0]}: {pair[1]}"),
    _KEYS.map(lambda key: f"{key}:"),
    _SCALARS.map(lambda value: f"  - {value}"),
    _SCALARS.map(lambda value: f"- {value}"),
    st.sampled_from(["", "  ", "# comment", "  more", "\t"]),
)


@given(st.lists(_LINES, max_size=8).map("\n".join))
@example("a:\n- b\n  - c")
@example("a: b\n- c")
@example("a:\n\n- b\nc: d")
@example("On: x")
@example("a: [b]\n- c")
def test_what_is_read_fast_is_what_yaml_reads(block: str) -> None:
    found = simple_values(block)
    if found is not None:
        expected = yaml.safe_load(block) or {}
        assert found == expected
        assert list(map(repr, found.values())) == list(map(repr, expected.values()))


def test_the_usual_frontmatter_is_read_fast() -> None:
    block = (
        'title: "2020: a year"\ndate: 2020-12-30T13:43:34-08:00\ntags:\n  - fruit\n  - two words\n'
        "aliases: [One, 'Two']\nrating: 7\nweight: 71.5\nempty:\ncreated: 2024-03-14\n"
    )
    assert simple_values(block) == yaml.safe_load(block)


def _laughs(levels: int, line: str) -> str:
    first = "a0: &a0 {x: 1}\n"
    return first + "".join(line.format(n=n, m=n - 1) for n in range(1, levels))


@pytest.mark.parametrize(
    "block",
    [
        _laughs(40, "a{n}: &a{n} [*a{m}, *a{m}, *a{m}]\n"),
        _laughs(40, "a{n}: &a{n}\n  <<: [*a{m}, *a{m}]\n  k{n}: *a{m}\n"),
        "a: &a [*a]\n",
        "a: &a\n  b: *a\n",
    ],
    ids=["lists", "merge-keys", "itself", "its own value"],
)
def test_aliases_that_explode_are_refused(block: str) -> None:
    loaded = load_block(f"title: kept\n{block}")
    assert loaded.code in ("yaml-aliases", "broken-yaml")
    assert loaded.problem
    assert loaded.values["title"] == "kept"


def test_a_few_aliases_are_no_harm() -> None:
    loaded = load_block("a: &x [one, two]\nb: *x\nc:\n  <<: &y {k: 1}\n")
    assert (loaded.code, loaded.values["b"]) == ("", ["one", "two"])


_TEXTS = st.text("ab -:#'\"[]{},é0", max_size=8)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | _TEXTS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
        max_leaves=20,
    )
)
def test_values_that_yaml_wrote_come_back(value: Any) -> None:
    block = yaml.safe_dump({"key": value}, allow_unicode=True)
    assert load_block(block).values == {"key": value}


@given(st.text(max_size=200))
def test_any_block_is_read_or_has_a_problem(block: str) -> None:
    loaded = load_block(block)
    assert bool(loaded.problem) == bool(loaded.code)
    assert all(isinstance(key, str) for key in loaded.values)
