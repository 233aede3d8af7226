"""Findings in words, as marks in a text, and with secrets masked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.models import FLAG_KINDS, Card, Example, Flag, Provenance, Turn
from engine.text import inert
from tui.widgets.flags import (
    SEVERITY,
    SEVERITY_SIGNS,
    by_severity,
    excerpt,
    flags_mark,
    marked_text,
    masked,
    measure_blocks,
    why_blocks,
)

SECRET = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
places = st.integers(-10, 60)
flags = st.lists(
    st.builds(Flag, st.sampled_from(FLAG_KINDS), st.just("c"), st.just(0.5), st.text(max_size=9),
              st.just(0), places, places),
    max_size=8,
)  # fmt: skip
texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=50)


def card_of(text: str, *found: Flag, checked: bool = True, **measures: float | str) -> Card:
    turns = (Turn("user", text),)
    example = Example("b2-77b2e1", "qa", turns, Provenance("s", "a.md"))
    return Card(example, turns, "undecided", False, 1, flags=found, measures=measures,
                checked=checked)  # fmt: skip


def test_each_kind_has_a_severity_and_each_severity_its_own_sign() -> None:
    assert set(SEVERITY) == set(FLAG_KINDS)
    assert len(set(SEVERITY_SIGNS.values())) == len(SEVERITY_SIGNS)


@given(texts, flags)
def test_marks_change_no_character(text: str, found: list[Flag]) -> None:
    assert marked_text(text, found).plain == inert(text).expandtabs(4)


@given(st.lists(st.sampled_from(["\t", "\n", "ab", " ", "c"]), max_size=30), flags)
def test_tabs_stay_where_they_were(pieces: list[str], found: list[Flag]) -> None:
    text = "".join(pieces)
    assert marked_text(text, found).plain == text.expandtabs(4)


@given(texts, flags)
def test_nothing_said_of_a_flag_can_break_it(text: str, found: list[Flag]) -> None:
    card = card_of(text, *found)
    assert inert(flags_mark(card)[0]) == flags_mark(card)[0]
    for flag in found:
        for block in why_blocks(card, flag):
            shown = block.content.plain
            assert inert(shown) == shown
            assert "\n" not in shown


def test_a_finding_outside_of_the_conversation_names_its_field() -> None:
    found = Flag("personal", "email", 0.98, "an e-mail address", -1, 5, 30, "column author")
    card = card_of("No mail is here.", found)
    head, reason = why_blocks(card, found)
    assert head.content.plain.endswith("score 0.98 · column author")
    assert reason.content.plain == "an e-mail address"
    # Its place is one in that field: nothing of the conversation is marked.
    assert flags_mark(card)[0] == "! 1 flag"


def test_the_worst_of_overlapping_flags_marks() -> None:
    mail = Flag("personal", "email", 0.9, "", 0, 0, 8)
    key = Flag("secret", "key", 0.9, "", 0, 4, 12)
    content = marked_text("abcdefghijklmnop", [mail, key])
    styles = {content.plain[s.start : s.end]: str(s.style) for s in content.spans}
    assert "warning" in styles["abcd"]
    assert "error" in styles["efgh"]
    assert "error" in styles["ijkl"]
    assert "mnop" not in styles


def test_a_secret_is_never_shown_whole() -> None:
    assert masked(SECRET) == "gh" + "•" * (len(SECRET) - 4) + "89"
    assert masked("hunter2") == "•••••••"
    text = f"write to me@example.org with {SECRET} and be quick"
    at = text.index(SECRET)
    key = Flag("secret", "github", 1.0, "a token", 0, at, at + len(SECRET))
    mail = Flag("personal", "email", 1.0, "an e-mail address", 0, 9, 23)
    for flag in (key, mail):
        shown = excerpt(text, flag, [mail, key]).plain
        assert SECRET not in shown
        assert "gh•" in shown
    assert "me@example.org" in excerpt(text, mail, [mail, key]).plain


def test_a_secret_that_reaches_into_an_excerpt_is_masked() -> None:
    text = SECRET + " " * 3 + "me@example.org"
    key = Flag("secret", "github", 1.0, "", 0, 0, len(SECRET))
    mail = Flag("personal", "email", 1.0, "", 0, len(SECRET) + 3, len(text))
    assert "abcdef" not in excerpt(text, mail, [key, mail]).plain


def test_the_mark_counts_and_has_the_sign_of_the_worst() -> None:
    mail = Flag("personal", "email", 0.9, "", 0, 0, 1)
    violent = Flag("safety", "violent", 0.9, "", 0, 0, 1)
    assert flags_mark(card_of("x", mail))[0] == "! 1 flag"
    assert flags_mark(card_of("x", mail, violent))[0] == "!! 2 flags"
    assert flags_mark(card_of("x", checked=False))[0] == "not checked"
    assert flags_mark(card_of("x"))[0] == "no flags"


def test_order_is_that_of_the_kinds() -> None:
    found = [Flag(kind, "c", 0.5, "") for kind in reversed(FLAG_KINDS)]
    assert [flag.kind for flag in by_severity(found)] == list(FLAG_KINDS)


def test_parts_of_the_quality_have_bars() -> None:
    blocks = measure_blocks({"language": "en", "quality": 0.5, "quality.echo": 1.0, "tokens": 1200})
    shown = [block.content.plain for block in blocks]
    assert "en" in shown[0]
    assert "0.50 ▕" in shown[1]
    assert shown[1].count("█") == 10
    assert shown[2].startswith("  echo")
    assert "1,200" in shown[3]
