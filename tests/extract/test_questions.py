from __future__ import annotations

import string

import pytest

from engine.extract.languages import languages
from engine.extract.questions import Subject, question
from engine.extract.topics import about, clean_title, date_phrase, is_date_like, phrase, swap

TEXT = "I looked at the kiln and then at the kiln again, and I put it off until Sunday."


def _ask(heading: str = "", title: str = "", text: str = TEXT, **more: str) -> str:
    subject = Subject(
        kind=more.get("kind", "reflection"),
        heading=heading,
        title=title,
        date=more.get("date", "2025-03-14"),
        language=more.get("language", "en"),
    )
    return question(subject, text)


@pytest.mark.parametrize(
    ("heading", "title", "part"),
    [
        ("Why I said no to the job", "", "why you said no to the job"),
        ("What I learned from pulling the rope", "", "what you learned from pulling the rope"),
        ("The night I was afraid", "", "the night you were afraid"),
        ("Reflection on my slow hands", "", "your slow hands"),
        ("Decision: the old boat", "", "the old boat"),
        ("Decision to sell the boat", "", "the decision to sell the boat"),
        ("Options after the storm", "", "the options after the storm"),
        ("I sold the boat", "", "ou sold the boat"),
        ("Reflection", "The kiln", "the kiln"),
        ("Reflection", "0012-the-old-kiln", "the old kiln"),
        ("Decision", "ADR-7: Use Redis for sessions", "using Redis for sessions"),
        ("Wanda's last day", "2025-03-14", "Wanda's last day"),
        ("May 3rd", "Research log of the bee", "Research log of the bee (May 3rd)"),
        ("Reflection", "2025-03-14", "kiln"),
        ("What went well", "2025-03-14", "what went well on 14 March 2025"),
    ],
)
def test_the_question_says_what_it_is_about(heading: str, title: str, part: str) -> None:
    assert part in _ask(heading, title)


def test_dates_are_written_out() -> None:
    assert date_phrase("2025-03-14", "en") == "on 14 March 2025"
    assert date_phrase("2025-W07", "en") == "in the week of 10 February 2025"
    assert date_phrase("2025-03", "en") == "in March 2025"
    assert date_phrase("2025-03-14", "de") == "am 14. März 2025"
    assert date_phrase("2025-03-14", "ro") == "pe 14 martie 2025"
    assert date_phrase("2025-W60", "en") == ""
    assert date_phrase("", "en") == ""


def test_a_heading_that_asks_is_used() -> None:
    assert _ask("Is it worth keeping a boat?") == "Is it worth keeping a boat?"
    assert _ask("What do I owe the sea?") == "What do you owe the sea?"
    assert _ask("What surprised me?") == "On 14 March 2025: what surprised you?"
    assert _ask("Why?", "Selling the boat") == "Selling the boat: why?"


def test_wording_varies_and_is_stable() -> None:
    asked = {_ask("The kiln", text=f"{TEXT} {number}") for number in range(200)}
    assert len(asked) >= 12
    assert _ask("The kiln") == _ask("The kiln")


def test_parts_of_a_section_are_asked_for_differently() -> None:
    subject = Subject("reflection", "The kiln", "", "2025-03-14", "en")
    assert len({question(subject, TEXT, part=part) for part in range(6)}) == 6


@pytest.mark.parametrize("language", ["ro", "de"])
def test_other_languages_quote_the_topic(language: str) -> None:
    asked = _ask("Ofen und Zug" if language == "de" else "Cuptorul", language=language)
    assert "„" in asked
    assert any(word in asked for word in ("Ofen und Zug", "Cuptorul"))


def test_nothing_known_still_gives_a_question() -> None:
    asked = _ask(date="", text="Words without a thing.")
    assert asked in languages()["en"].questions["plain"]
    assert _ask(text="Words without a thing.").count("14 March 2025") == 1


@pytest.mark.parametrize("language", list(languages()))
def test_every_template_can_be_filled(language: str) -> None:
    slots = {"topic", "about", "clause", "statement", "when", "When", "question"}
    questions = languages()[language].questions
    for name, templates in questions.items():
        assert len(set(templates)) == len(templates) >= 4, name
        for template in templates:
            used = {field for _, field, _, _ in string.Formatter().parse(template) if field}
            assert used <= slots, template
            assert template[-1] in "?.:？。：" or template.endswith("{question}"), template
    for kind in ("reflection", "decision", "learning", "section"):
        for shape in ("topic", "bare"):
            assert any("hen}" not in template for template in questions[f"{kind}.{shape}"])


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("11. Migration strategy", "Migration strategy"),
        ("2025-03-14 The kiln", "The kiln"),
        ("Decision - the boat", "the boat"),
        ("a-name-in-dashes", "a name in dashes"),
        ("Tuesday 2 January", ""),
        ("Week 7", ""),
        ("2025-03-14", ""),
        ("Notes", ""),
        ("Daily note", ""),
        ("", ""),
    ],
)
def test_titles(title: str, expected: str) -> None:
    assert clean_title(title) == expected


def test_turning_the_person_round() -> None:
    assert swap("Why I'm not myself when I am tired of my own") == (
        "Why you're not yourself when you are tired of your own"
    )
    assert swap("The day I was late and it was dark") == "The day you were late and it was dark"
    assert swap("Am I too careful?") == "are you too careful?"


def test_phrases_inside_a_sentence() -> None:
    assert phrase("The kiln", "en", TEXT) == "the kiln"
    assert phrase("Counting umbrellas", "en", TEXT) == "counting umbrellas"
    assert phrase("Wanda and I", "en", "Then Wanda came.") == "Wanda and you"
    assert phrase("Seven wires at noon", "en", "I saw seven of them.") == "seven wires at noon"
    assert phrase("Change in plans", "en", TEXT) == "Change in plans"
    assert phrase("Das Haus", "de", "") == "Das Haus"
    assert is_date_like("Saturday, 4. Mai")


def test_what_a_text_is_about() -> None:
    assert about((), "en", TEXT) == "the kiln"
    assert about(("2025-03-14", "Mara"), "en", TEXT) == "Mara and the kiln"
    assert about(("Mara", "mara", "Ines"), "en", TEXT) == "Mara"
    assert about((), "en", "Nothing twice.") == ""
