from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sources.synthetic.grammar import (
    MAX_DEPTH,
    Choice,
    GrammarError,
    Literal,
    Slot,
    Text,
    parse,
)
from tests.sources.synthetic.support import templates


def ways(source: str) -> list[str]:
    text = parse(source)
    return [
        "".join(part.text if isinstance(part, Literal) else f"<{part.written}>" for part in way)
        for way in (text.way(number) for number in range(text.combinations))
    ]


def every(text: Text) -> list[str]:
    """Return what a template can become, by going through it in the plainest way."""
    found = [""]
    for part in text.parts:
        if isinstance(part, Literal):
            tails = [part.text]
        elif isinstance(part, Slot):
            tails = [f"<{part.written}>"]
        else:
            tails = [tail for option in part.options for tail in every(option)]
        found = [head + tail for head, tail in itertools.product(found, tails)]
    return found


def test_choices_slots_and_signs() -> None:
    assert ways("plain") == ["plain"]
    assert ways("[a|b]") == ["a", "b"]
    assert sorted(ways("[a|b[c|d]] {name}[!|]")) == sorted(
        ["a <name>!", "a <name>", "bc <name>!", "bc <name>", "bd <name>!", "bd <name>"]
    )
    assert ways("{provider.maker}") == ["<provider.maker>"]
    assert ways(r"\[a\|b\] \{c\} \\ \n |") == ["[a|b] {c} \\ \\n |"]


@pytest.mark.parametrize(
    ("source", "code", "offset"),
    [
        ("a [b", "open-choice", 2),
        ("a b]", "open-choice", 3),
        ("[a|[b|c]", "open-choice", 0),
        ("a {name", "open-slot", 2),
        ("a name}", "open-slot", 6),
        ("{}", "open-slot", 0),
        ("{ name }", "open-slot", 0),
        ("{name!r}", "open-slot", 0),
        ("{name:>99999999}", "open-slot", 0),
        ("{name[0]}", "open-slot", 0),
        ("{0}", "open-slot", 0),
        ("{a.b.c}", "open-slot", 0),
        ("{name.__class__.__mro__}", "open-slot", 0),
        ("[]", "empty-choice", 0),
        ("x [|] y", "empty-choice", 2),
        ("x [a||b] y", "empty-choice", 2),
        ("x [a] y", "empty-choice", 2),
        ("x [a|b|a] y", "same-option", 2),
        ("[|a|]", "same-option", 0),
        ("[[a|b]|[a|b]]", "same-option", 0),
        ("[a|" * (MAX_DEPTH + 1) + "b" + "]" * (MAX_DEPTH + 1), "too-deep", 3 * MAX_DEPTH),
        ("[" * 5000, "too-deep", MAX_DEPTH),
        ("a" * 20_001, "too-long", 20_000),
    ],
)
def test_mistakes_are_named_with_their_place(source: str, code: str, offset: int) -> None:
    with pytest.raises(GrammarError) as caught:
        parse(source)
    assert (caught.value.code, caught.value.offset) == (code, offset)
    assert caught.value.hint
    assert len(caught.value.reason) < 200


def test_a_field_that_reaches_into_python_is_only_a_name() -> None:
    # It is looked up in the file's own table, where nothing is called so.
    assert list(parse("{name.__class__}").slots()) == [Slot("name", "__class__", 0)]


def test_explosions_are_counted_and_not_gone_through() -> None:
    text = parse("[a|b]" * 2000)
    assert text.combinations == 2**2000
    assert len(list(text.way(2**1999 + 12345))) == 2000


@given(templates(depth=3))
def test_every_way_is_one_of_those_that_are_there(source: str) -> None:
    text = parse(source)
    assert text.combinations == len(every(text))
    assert sorted(ways(source)) == sorted(every(text))


@given(st.text("ab[]|{}\\ ", max_size=60))
def test_any_text_is_understood_or_named(source: str) -> None:
    refused: GrammarError | None = None
    try:
        text = parse(source)
    except GrammarError as error:
        refused = error
    if refused is not None:
        assert 0 <= refused.offset <= len(source)
        return
    assert text.combinations >= 1
    assert text.can_be_blank() == any(not way.strip() for way in every(text))
    assert all(len(part.options) > 1 for part in text.parts if isinstance(part, Choice))
