"""The tables of languages: each file as it stands, and what a wrong one is told."""

from __future__ import annotations

import tomllib

import pytest

from engine.errors import LanguageInvalid
from engine.extract.languages import languages, parse
from engine.extract.languages.load import FOLDER

_ENGLISH = (FOLDER / "en.toml").read_text("utf-8")


def test_every_file_is_a_language() -> None:
    assert list(languages()) == [
        "en",
        *sorted({path.stem for path in FOLDER.glob("*.toml")} - {"en"}),
    ]
    for code, table in languages().items():
        said = tomllib.loads((FOLDER / f"{code}.toml").read_text("utf-8"))
        assert table.name == said["name"]
        assert table.dates.months == tuple(said["dates"]["months"].split())
        assert table.asking.templates["further"] == tuple(said["questions"]["further"])


def test_words_by_their_beginning_or_ending() -> None:
    table = parse("en", _ENGLISH.replace('first_person = "i me', "first_person = \"i j'* *avò me"))
    said = {"i", "j'ai", "j'", "pensavo", "avo", "jai"}
    assert {word for word in said if word in table.first_person} == {"i", "j'ai", "pensavo"}


@pytest.mark.parametrize(
    ("written", "wrong", "message", "hint"),
    [
        ('name = "English"', "", "en.toml: name is missing", "name in English"),
        ("[tags]", "[tugs]", "tugs is not a known key", "Did you mean tags?"),
        ("weighing =", "wieghing =", "words.wieghing is not a known key", "words.weighing?"),
        ("common =", "see =", "not TOML: Cannot overwrite a value", "Fix the line"),
        ("first_person =", "#", "words.first_person is missing", "docs/languages.md"),
        ('"i me my', '"i m*e my', "words.first_person has 'm*e'", "at one end"),
        ("January February", "January", "dates.months has 11 names", "twelve"),
        ("on {day} {month}", "on {dy} {month}", "dates.day has a slot {dy}", "day, month, year"),
        ("Tell me about {topic}.", "Tell me.", "reflection.topic lacks {topic}: Tell", "Put it"),
        ("Tell me about {topic}.", "{topic}: {when}?", "has a slot {when}", "can have topic"),
        ("Tell me about {topic}.", "{topic", "is no template: {topic", "Fix"),
        ("under {heading} {when}", "{when}", "asking.under_when lacks {heading}", "Put it"),
        ('inner_quotes = ["‘", ', "inner_quotes = [", "asking.inner_quotes is not a pair", "Give"),
        ("[questions.why]", "[questions.wy]", "questions.wy is not a known key", "why?"),
        ("junk = '''", "junk = '''(", "headings.junk is no pattern: (", "Fix the pattern"),
        ("why = 'why|", "why = '(why)|", "headings.why has a group that captures", "(?:…)"),
    ],
)
def test_a_wrong_file_is_refused_by_name(written: str, wrong: str, message: str, hint: str) -> None:
    assert written in _ENGLISH
    with pytest.raises(LanguageInvalid) as refused:
        parse("en", _ENGLISH.replace(written, wrong, 1))
    assert message in refused.value.message
    assert hint in refused.value.hint
