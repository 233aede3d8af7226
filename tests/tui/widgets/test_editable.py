"""Any text goes into the editor without steering the terminal, and comes out as it was."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import TextArea

from tui.widgets.editable import Signs


@given(st.text(), st.text())
def test_a_text_comes_back_exactly(text: str, other: str) -> None:
    signs = Signs.of(text, other)
    assert signs.back(signs.show(text)) == text
    assert signs.back(signs.show(other)) == other


@given(st.text())
def test_what_is_shown_steers_nothing(text: str) -> None:
    for character in Signs.of(text).show(text):
        if character not in "\n\t\u200c\u200d":
            assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text())
def test_a_text_area_keeps_it(text: str) -> None:
    signs = Signs.of(text)
    area = TextArea(signs.show(text))
    assert signs.back(area.text) == text


def test_controls_have_their_pictures() -> None:
    assert Signs.of("\x1b[31m\x7f").show("\x1b[31m\x7f") == "␛[31m␡"


def test_a_picture_that_is_already_there_is_not_mixed_up() -> None:
    text = "␛ and \x1b"
    signs = Signs.of(text)
    assert signs.show(text).count("␛") == 1
    assert signs.back(signs.show(text)) == text
