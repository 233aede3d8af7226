from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.curate import from_text, to_text
from engine.errors import ExampleInvalid
from engine.models import Role, Turn
from tests.store.support import turns

any_text = st.text(st.characters(codec=None, exclude_categories=()))
lines = st.sampled_from(
    (
        *("--- user ---", "--- assistant ---", "\\--- user ---", "\\\\--- x ---", "--- x --- "),
        *("--- user ---\r", "---", "--- user", " --- user ---", "--- USER ---\t", "", "a"),
        "--- user ---\x0b",
    )
)
content = any_text | st.lists(lines, max_size=6).map("\n".join)
roles: st.SearchStrategy[Role] = st.sampled_from(("system", "user", "assistant", "tool"))
conversations = st.lists(st.builds(Turn, roles, content), min_size=1, max_size=5).map(tuple)


@given(conversations)
def test_every_conversation_comes_back(some: tuple[Turn, ...]) -> None:
    assert from_text(to_text(some)) == some


@given(content)
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    try:
        read = from_text(text)
    except ExampleInvalid:
        return
    assert from_text(to_text(read)) == read


def test_the_form_is_readable() -> None:
    some = turns("What now?", "Go.\n\n--- user ---\nis a line of mine")
    assert to_text(some) == (
        "--- user ---\nWhat now?\n--- assistant ---\nGo.\n\n\\--- user ---\nis a line of mine\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--- user ---\nQ\n--- assistant ---\nA", turns("Q", "A")),
        ("\n\n--- User ---  \nQ\n--- ASSISTANT ---\r\nA\n", turns("Q", "A")),
        ("--- user ---\n--- assistant ---\n", turns("", "")),
        ("--- user ---\n\n\n--- assistant ---\nA\n\n", turns("\n", "A\n")),
    ],
)
def test_what_people_and_editors_write(text: str, expected: tuple[Turn, ...]) -> None:
    assert from_text(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no turn"),
        ("\n \n", "no turn"),
        ("Hello\n--- user ---\nQ", "line 1"),
        ("--- user ---\nQ\n--- asistant ---\nA", "line 3: there is no role asistant"),
        ("\\--- user ---\nQ", "line 1"),
    ],
)
def test_what_is_no_conversation_is_refused(text: str, message: str) -> None:
    with pytest.raises(ExampleInvalid, match=message) as caught:
        from_text(text)
    assert caught.value.hint
