"""Hateful statements about groups, and sentences that share their words and say the opposite."""

from __future__ import annotations

import pytest

from engine.models import Flag, Turn
from engine.quality.safety import SafetyCheck
from engine.quality.safety.vocabulary import SPOKEN, vocabularies
from tests.bench.safety_classes import BENIGN, HATEFUL, RECLAIMED, sentences


def hateful(text: str) -> list[Flag]:
    flags = SafetyCheck(categories=("hateful",)).look([Turn("user", text)]).flags
    return [flag for flag in flags if flag.code == "hateful"]


def cases(kind: dict[str, dict[str, tuple[str, ...]]]) -> list[tuple[str, str]]:
    return [(language, name) for language in kind for name in kind[language]]


@pytest.mark.parametrize(("language", "name"), cases(HATEFUL))
def test_hateful_classes_are_flagged(language: str, name: str) -> None:
    texts = sentences(HATEFUL, language)[name]
    assert [text for text in texts if not hateful(text)] == []


@pytest.mark.parametrize(("language", "name"), cases(BENIGN))
def test_benign_classes_are_not(language: str, name: str) -> None:
    texts = sentences(BENIGN, language)[name]
    assert [text for text in texts if hateful(text)] == []


def test_words_of_ones_own_are_not_flagged() -> None:
    assert [text for text in RECLAIMED if hateful(text)] == []


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        ("Go on. I really hate all Muslims.", "hate all Muslims", "hates or despises"),
        ("Well, immigrants are like rats, my friend.", "immigrants are like rats", "demeaning"),
        ("They say so. Jews should be shot.", "Jews should be shot", "harm"),
        ("Trans people don't deserve any rights.", "Trans people don't deserve", "its rights"),
    ],
)
def test_a_statement_has_its_place_and_its_reason(text: str, where: str, reason: str) -> None:
    (flag,) = hateful(text)
    assert text[flag.start : flag.end] == where
    assert reason in flag.reason


@pytest.mark.parametrize(
    "text",
    [
        "Many women die in childbirth. They should be helped.",
        "In that country women are not allowed to drive.",
        "Old people should leave the house early when it is hot.",
        "Immigrants need to go to the office to register.",
        "I hate that gay people have to hide.",
        "The women were sick and stayed at home.",
        "My girls are lazy today, so we stay at home.",
        "Poor people are sick more often than the rich.",
        "Muslims are often portrayed as terrorists in films.",
        "Kill the process and all of its children.",
        "The sign read: No blacks, no Irish. It was a racist sign.",
        "Not all Muslims are terrorists, and few Christians are.",
        "We baked for the refugees. They are hungry.",
    ],
)
def test_facts_about_groups_are_not_flagged(text: str) -> None:
    assert hateful(text) == []


@pytest.mark.parametrize(
    ("counter", "claim"),
    [
        (
            "Immigrants are not criminals, and they do not deserve hate.",
            "Immigrants do not deserve rights.",
        ),
        ("It is false that women are too stupid to vote.", "Women are too stupid to vote."),
        ("Women are too stupid to vote? That is a lie.", "Women are too stupid to vote. It is so."),
        (
            "Nu e adevărat că țiganii sunt hoți; e o prejudecată.",
            "E adevărat că țiganii sunt hoți.",
        ),
        ("Imigranții nu merită ură.", "Imigranții nu merită drepturi."),
        ("Ausländer verdienen keinen Hass.", "Ausländer verdienen keine Rechte."),
        ("Il est faux que les femmes sont stupides.", "Il est vrai que les femmes sont stupides."),
        (
            "No es cierto que los inmigrantes son criminales.",
            "Es cierto que los inmigrantes son criminales.",
        ),
        ("Non è vero che gli immigrati sono criminali.", "Gli immigrati sono criminali."),
    ],
)
def test_what_is_called_untrue_is_told_from_what_is_claimed(counter: str, claim: str) -> None:
    assert (hateful(counter), bool(hateful(claim))) == ([], True)


def test_a_slur_is_flagged_though_it_is_denied() -> None:
    assert hateful("I am no friend of those filthy kikes over there.")


def test_other_languages_than_the_chosen_say_nothing() -> None:
    check = SafetyCheck(languages=("ro",))
    assert check.look([Turn("user", "Muslims are vermin and should be shot.")]).flags == ()


@pytest.mark.parametrize("language", SPOKEN)
def test_every_language_has_every_list(language: str) -> None:
    assert all(phrases.first for phrases in vocabularies()[language].values())


def test_a_long_text_about_people_is_taken_in_linear_time() -> None:
    text = "The women of the village are kind and they should be helped by all of us. " * 3_000
    assert hateful(text + "Women are vermin.")
