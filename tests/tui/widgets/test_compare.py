"""Two texts side by side: what differs is marked, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from engine.models import Turn
from tui.widgets.compare import MOST_WORDS, compared, marked
from tui.widgets.words import plain


def underlined(text: Content) -> str:
    """Return what is marked of a text."""
    return "".join(
        text.plain[span.start : span.end] for span in text.spans if "underline" in str(span.style)
    )


def test_only_what_differs_is_marked() -> None:
    older, newer = marked("The hold is full of tar.", "The hold is full of rats.")
    assert (underlined(older), underlined(newer)) == ("tar", "rats")
    same = marked("one and the same", "one and the same")
    assert [underlined(text) for text in same] == ["", ""]


@given(st.text(), st.text())
def test_the_texts_themselves_stay(older: str, newer: str) -> None:
    left, right = marked(older, newer)
    assert left.plain == plain(older).plain
    assert right.plain == plain(newer).plain


def test_long_texts_are_shown_unmarked() -> None:
    long = "word " * (MOST_WORDS + 1)
    left, right = marked(long[:18_000], "other " + long[:18_000])
    assert underlined(left) == underlined(right) == ""


def test_turns_that_only_one_side_has() -> None:
    one = (Turn("user", "Why?"), Turn("assistant", "It rained."))
    two = (*one, Turn("user", "Still?"), Turn("assistant", "Still."))
    left, right = compared(one, two)
    assert len(left) == 6
    assert len(right) == 12
    assert underlined(right[-2].content) == "Still."
