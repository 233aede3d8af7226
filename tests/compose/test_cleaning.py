from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compose.cleaning import Declined, longest_run, one_question
from engine.compose.language import guess, may_be
from engine.compose.prompts import EXPANSIONS, QUESTIONS

ANSWER = (
    "I moved the beans to the east wall because the west wind broke them two summers in a row. "
    "They grew more slowly there, but none of them fell over."
)


@pytest.mark.parametrize(
    "output",
    [
        "Why did you move the beans?",
        "  Why did you move the beans?\n",
        '"Why did you move the beans?"',
        "“Why did you move the beans?”",
        "**Why did you move the beans?**",
        "Question: Why did you move the beans?",
        "**Question:** Why did you move the beans?",
        "**Question**: Why did you move the beans?",
        "Q: Why did you move the beans?",
        "Question 1. Why did you move the beans?",
        "1. Why did you move the beans?\n2. What did the wind do?",
        "- Why did you move the beans?",
        "Here is the question:\n\nWhy did you move the beans?",
        "Why did you move the beans?\n\nThis question asks for the reason.",
        "Why did you move the beans? What did the wind do to them?",
        "Why did you move the beans???",
        "<think>The text is about beans.\nShould I ask why?</think>\nWhy did you move the beans?",
        "The text is about beans.</think>Why did you move the beans?",
        "> Why did you move the beans?",
        "# Why did you move   the beans?",
    ],
)
def test_one_clean_question_is_taken(output: str) -> None:
    assert one_question(output, ANSWER, "en") == "Why did you move the beans?"


@pytest.mark.parametrize(
    ("output", "question"),
    [
        ("Tell me about the beans", "Tell me about the beans."),
        ("Describe how you moved the beans!", "Describe how you moved the beans."),
        ("You moved them. What for, in the end?", "You moved them. What for, in the end?"),
        ('Why did you write "beans" on the wall?', 'Why did you write "beans" on the wall?'),
        ("Why is Dr. No's bean so slow?", "Why is Dr. No's bean so slow?"),
    ],
)
def test_requests_and_inner_signs_are_kept(output: str, question: str) -> None:
    assert one_question(output, ANSWER, "en") == question


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("", "no-text"),
        ("  \n ", "no-text"),
        ("<think>I wonder what to ask", "no-text"),
        ("The beans were moved to a wall.", "not-a-question"),
        ("I'm sorry, but I can't help with that?", "model-declined"),
        ("As an AI language model, I have no beans.", "model-declined"),
        ("Beans?", "too-short"),
        ("Why " + "oh why " * 30 + "did you move them?", "too-long"),
        ("Why did you move the [plant]?", "placeholder"),
        ("What have you been thinking about lately?", "off-topic"),
        ("Why did you move the <name>?", "placeholder"),
        ("Why did you " + "m" * 300 + " do it?", "too-long"),
        ("De ce ai mutat fasolea la peretele dinspre est?", "other-language"),
        ("Pourquoi avez-vous déplacé les haricots vers le mur ?", "other-language"),
        ("Is it because the west wind broke them two summers in a row?", "leaks"),
        ("The west wind broke them two summers?", "leaks"),
        ("How did you decide about the job in Leeds?", "copied"),
        ("What did you learn about your beans from baking bread?", "copied"),
    ],
)
def test_what_can_not_be_used_is_declined_with_a_reason(output: str, code: str) -> None:
    how = QUESTIONS["en"]
    known = [shot[2] for shot in how.shots]
    with pytest.raises(Declined) as caught:
        one_question(output, ANSWER, "en", "", known, how.topics)
    assert caught.value.code == code
    assert caught.value.reason
    assert caught.value.output == output


def test_a_topic_of_the_prompt_is_no_fault_where_the_text_has_it() -> None:
    answer = "The bread rose twice and fell once, and I know now that the flour was old."
    how = QUESTIONS["en"]
    question = "What did you find out about the bread?"
    assert one_question(question, answer, "en", foreign=how.topics) == question


@given(st.text(max_size=200))
def test_any_output_is_a_question_or_is_declined(output: str) -> None:
    try:
        question = one_question(output, ANSWER, "")
    except Declined as declined:
        question = ""
        code = declined.code
        assert code
    if question:
        assert question[-1] in "?."
        assert "\n" not in question
        assert len(question) <= 260


@pytest.mark.parametrize("language", list(QUESTIONS))
def test_the_shots_are_what_they_ask_for(language: str) -> None:
    how = QUESTIONS[language]
    assert guess(how.task) == language
    for title, text, question in how.shots:
        assert guess(text) == language
        assert one_question(question, text, language, title) == question
    expansion = EXPANSIONS[language]
    assert guess(expansion.task) == language
    assert expansion.question in expansion.task
    assert expansion.answer in expansion.task


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I went to the market because we had no more bread at home.", "en"),
        ("Am fost la piață pentru că nu mai aveam pâine acasă.", "ro"),
        ("Am fost la piata pentru ca nu mai aveam paine acasa.", "ro"),
        ("Ich war auf dem Markt, weil wir kein Brot mehr im Haus hatten.", "de"),
        ("Je suis allé au marché parce que nous n'avions plus de pain.", ""),
        ("Fui al mercado porque no teníamos más pan en la casa.", ""),
        ("12 345 :: 67", ""),
        ("", ""),
    ],
)
def test_languages_are_told_apart(text: str, language: str) -> None:
    assert guess(text) == language


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("What about beans?", "en"),
        ("Ce s-a întâmplat?", "ro"),
        ("Cum ai ales?", "ro"),
        ("Warum Bohnen?", "de"),
    ],
)
def test_short_questions_are_of_one_language_only(question: str, language: str) -> None:
    assert [code for code in ("en", "ro", "de") if may_be(question, code)] == [language]


def test_an_unknown_language_lets_everything_through() -> None:
    assert may_be("Mitä kuuluu?", "")
    assert may_be("Mitä kuuluu?", "fi")


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_the_longest_run_is_the_longest(first: list[str], second: list[str]) -> None:
    runs = [
        end - start
        for start in range(len(first))
        for end in range(start + 1, len(first) + 1)
        if any(first[start:end] == second[at : at + end - start] for at in range(len(second)))
    ]
    assert longest_run(first, second) == max(runs, default=0)
