"""The shipped templates, as texts that a person can read and judge.

After a wanted change write the files anew with ``WRITE_GOLDEN=1`` in the environment, and
read what became of them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from engine.sources.synthetic.book import Space
from engine.sources.synthetic.generate import Recipe, Tally, generate
from engine.sources.synthetic.load import load
from engine.sources.synthetic.noise import Noise, joined
from engine.sources.synthetic.shipped import shipped

GOLDEN = Path(__file__).resolve().parent / "golden"
BOOK = load(shipped().read_text("utf-8"))


def shown(languages: tuple[str, ...], noise: Noise) -> str:
    parts = []
    for made in generate(BOOK, Recipe(20, 0, languages, noise), Tally()):
        noises = f"  ({', '.join(made.noises)})" if made.noises else ""
        where = f"{made.template.topic}/{made.template.name}"
        parts.append(
            f"== {made.index}  {made.language}  {where}{noises}\n"
            f"user> {made.question}\nassistant> {made.answer}"
        )
    return "\n\n".join(parts) + "\n"


@pytest.mark.parametrize(
    ("file", "languages", "noise"),
    [
        ("identity.en.txt", ("en",), "off"),
        ("identity.ro.txt", ("ro",), "off"),
        ("identity.light.txt", ("en", "ro"), "light"),
        ("identity.strong.txt", ("en", "ro"), "strong"),
    ],
)
def test_the_first_twenty(file: str, languages: tuple[str, ...], noise: Noise) -> None:
    rendered = shown(languages, noise)
    if os.environ.get("WRITE_GOLDEN"):
        (GOLDEN / file).write_text(rendered, "utf-8")
    assert rendered == (GOLDEN / file).read_text("utf-8")


def every(space: Space) -> list[str]:
    return ["".join(p.text for p in space.way(number)[0]) for number in range(space.size())]


@pytest.mark.parametrize("template", BOOK.templates, ids=lambda t: f"{t.topic}-{t.name}")
@pytest.mark.parametrize("language", BOOK.languages)
def test_every_wording_is_well_formed(template: object, language: str) -> None:
    wording = template.wordings[language]  # type: ignore[attr-defined]
    for question in every(wording.questions):
        assert question == joined_text(question)
        assert question[0].isupper() or not question[0].isalpha()
        assert question[-1] in "?."
        # A request is no question.
        asks = re.match(
            r"(Tell|Explain|Please|Give|Show|Spune|Explic|Poveste|Dă|Arată|Aș vrea|I would)",
            question,
        )
        assert (question[-1] == ".") == bool(asks), question
    for casual in every(wording.casual):
        assert casual == joined_text(casual)
        assert casual[-1] != "."
    for answer in every(wording.answers):
        assert answer == joined_text(answer)
        assert answer[0].isupper()
        assert answer[-1] in '.”"'
        assert 60 <= len(answer) <= 700 or template.name == "who-makes-it"  # type: ignore[attr-defined]
        assert not re.search(r"[şţŞŢ]", answer), "a cedilla where a comma belongs"
        assert not re.search(r" [,.;:?!]|[,.;:][^\s\"”\d]", answer), answer


def joined_text(text: str) -> str:
    return " ".join(text.split())


def test_each_language_is_itself() -> None:
    for template in BOOK.templates:
        english = " ".join(every(template.wordings["en"].answers)).lower()
        romanian = " ".join(every(template.wordings["ro"].answers)).lower()
        assert re.search(r"\b(the|is|of|and|a)\b", english)
        assert re.search(r"[ăâîșț]", romanian)
        assert joined([]) == ""
