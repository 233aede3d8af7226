from __future__ import annotations

import pytest

from engine.extract.headings import is_generic, is_junk, match_heading
from engine.extract.signals import (
    Sign,
    folder_sign,
    heading_sign,
    judge,
    noisy_or,
    tag_signs,
    wording,
)

PERSONAL = (
    "I thought about it for a week, and in the end I told her, because I would rather be wrong "
    "than silent. I noticed that my hands were cold. Next time I will say it on the first day."
)
RECIPE = (
    "Mix the flour with the water and leave it for an hour. Fold the dough twice, shape it, and "
    "bake it at 230 degrees until the crust is dark."
)


@pytest.mark.parametrize(
    ("heading", "kind", "strong"),
    [
        ("Reflection", "reflection", True),
        ("💭 Reflection", "reflection", True),
        ("3. Reflections on the move", "reflection", True),
        ("Evening reflection", "reflection", True),
        ("Looking back", "reflection", True),
        ("Retrospective: sprint 4", "reflection", True),
        ("What went well", "reflection", True),
        ("Rückblick", "reflection", True),
        ("Reflecție", "reflection", True),
        ("Privind înapoi", "reflection", True),
        ("Thoughts", "reflection", False),
        ("How I slept", "reflection", False),
        ("What I learned", "learning", True),
        ("What the heat taught me about gaps", "learning", True),
        ("Lessons learned", "learning", True),
        ("Was ich gelernt habe", "learning", True),
        ("Ce am învățat", "learning", True),
        ("Lecții", "learning", True),
        ("Decision", "decision", True),
        ("Decision to sell", "decision", True),
        ("Entscheidung", "decision", True),
        ("Decizia mea", "decision", True),
        ("Why", "decision", False),
        ("Options considered", "decision", False),
        ("Outcome, a year on", "decision", False),
        ("De ce", "decision", False),
        ("Decision trees", "decision", False),
        ("Learning Rust", "learning", False),
    ],
)
def test_headings(heading: str, kind: str, strong: bool) -> None:
    match = match_heading(heading)
    assert match is not None
    assert (match.rule.kind, match.strong) == (kind, strong)


@pytest.mark.parametrize(
    "heading", ["", "The garden", "Reflecting", "2024", "Whyte's shop", "Optional"]
)
def test_headings_without_a_rule(heading: str) -> None:
    match = match_heading(heading)
    assert match is None or heading == "Reflecting"


@pytest.mark.parametrize(
    "heading", ["Log", "🛒 Groceries", "To do", "Tasks", "Cumpărături", "Links:"]
)
def test_junk(heading: str) -> None:
    assert is_junk(heading)
    assert is_generic(heading)


@pytest.mark.parametrize("heading", ["Logging my sleep", "The plan that failed", "Numbers lie"])
def test_headings_that_only_begin_like_junk(heading: str) -> None:
    assert not is_junk(heading)


def test_wording_tells_thought_from_instruction() -> None:
    assert wording(PERSONAL).score > 0.5
    assert wording(RECIPE).score < 0.1
    assert wording(PERSONAL).language == "en"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (
            "Am crezut că nu pot, dar până la urmă mi-am dat seama că nu era greu. Mă bucur că am "
            "încercat și cred că data viitoare o să încep mai devreme.",
            "ro",
        ),
        (
            "Ich dachte, dass ich es nicht kann, aber am Ende habe ich gemerkt, dass es nicht "
            "schwer war. Ich bin froh, und nächstes Mal fange ich früher an.",
            "de",
        ),
    ],
)
def test_wording_in_romanian_and_german(text: str, language: str) -> None:
    measured = wording(text)
    assert measured.language == language
    assert measured.score > 0.4


def test_other_languages_measure_nothing() -> None:
    assert wording("昨日は雨が降ったので、家で本を読んだ。").score == 0
    assert wording("").score == 0


def test_an_index_is_no_person() -> None:
    assert (
        wording("The sum over i of x is not the sum over all i that are in the set.").first_person
        == 0
    )
    assert (
        wording("i was tired and my feet hurt, but it was worth it for the view.").first_person > 0
    )


def test_signs_add_up() -> None:
    assert noisy_or() == 0
    assert noisy_or(0.5, 0.5) == pytest.approx(0.75)
    assert [sign.kind for sign in tag_signs(("work", "me/Decisions", "Învățături"), 0.5, "")] == [
        "decision",
        "learning",
    ]
    folder = folder_sign("life/02 Decisions/a.md")
    assert folder is not None
    assert (folder.kind, folder_sign("a.md")) == ("decision", None)


def test_judgement() -> None:
    tag = Sign("decision", 0.7, "tag #decision")
    weak = Sign("reflection", 0.4, "heading 'Thoughts'")
    personal, recipe = wording(PERSONAL), wording(RECIPE)
    sure = judge([tag], recipe)
    assert (sure.taken, sure.kind, sure.score) == (True, "decision", 0.7)
    assert "tag #decision" in sure.reason
    assert judge([weak], personal).taken
    assert not judge([weak], recipe).taken
    assert not judge([], recipe).taken
    assert judge([tag, weak], personal).score > judge([tag], personal).score
    assert (
        judge([Sign("learning", 0.5, "a"), Sign("decision", 0.5, "b")], personal).kind == "learning"
    )


def test_light_reflects_too() -> None:
    heading = heading_sign("Reflection")
    assert heading is not None
    optics = wording("The angle of the ray to the surface is that of the incoming ray to it.")
    assert not judge([heading], optics).taken
    assert judge([heading], wording(PERSONAL)).taken
