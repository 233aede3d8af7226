"""What a text is taken for, where a tag or a title says one thing and its words another."""

from __future__ import annotations

import pytest

from engine.extract.languages import languages
from engine.extract.notes import extract_note
from engine.models import Document, Example
from engine.sources.notes import parse_note

WALK = "I walked along the canal again and I felt calm, because I left my phone at home. I think I "
WALK += "was glad of the cold air, but my knees hurt and I went back earlier than I wanted."
ADVICE = "I can write all choices on a sheet, because paper is better than my head. Or I can ask a "
ADVICE += "friend instead, but the risk is that my friend is wrong, or else kind."


def _thoughts(text: str, title: str = "note") -> list[Example]:
    note = parse_note(text, title)
    document = Document("s", f"{title}.md", note.title, "b2-0", note.body, tags=note.tags)
    return extract_note(document, ("thoughts",))


@pytest.mark.parametrize(
    ("tag", "text", "kind"),
    [
        ("til", WALK, "reflection"),
        ("til", f"{WALK} I learned that rest is work.", "learning"),
        (
            "aprendizado",
            "Ontem fiquei em casa e pensei na minha vida. Acho que estou cansado, mas gosto do "
            "meu trabalho e dos meus amigos, e eu não quero mudar de cidade agora.",
            "reflection",
        ),
        (
            "aprendizado",
            "Ontem fiquei em casa e pensei na minha vida. Percebi que estou cansado, mas gosto do "
            "meu trabalho e dos meus amigos, e eu não quero mudar de cidade agora.",
            "learning",
        ),
    ],
)
def test_a_notes_tag_for_lessons_needs_somebody_who_learned(tag: str, text: str, kind: str) -> None:
    found = _thoughts(f"#{tag}\n\n## Canal\n{text}\n\n## Town\n{text.replace('.', '!')}")
    assert [example.kind for example in found] == [kind, kind]


def test_a_title_over_advice_on_deciding_makes_no_decision() -> None:
    decided = (
        "We decided to keep the old boat, because a new one costs more than my year's wages, and "
    )
    decided += "rather than paint it white I want it green as it was."
    text = f"# Decisions\n\n## Paper\n{ADVICE}\n\n## The boat\n{decided}"
    found = {example.provenance.heading: example.kind for example in _thoughts(text, "Decisions")}
    assert found["The boat"] == "decision"
    assert found.get("Paper") != "decision"


SITE = "https://example.org"
SEEN = "\n".join(
    f"- Read [Page {n} of a long book]({SITE}/{n}). I liked it and I felt glad." for n in range(8)
)
EMBEDDED = "\n\n".join(f"[A film of the sea {n}]({SITE}/{n})" for n in range(6))
GREETING = (
    "Hi, here I am with my newsletter again. I am glad that I have so many subscribers, and I hope "
)
GREETING += "you like my page. Let me know in the comments, and thanks for reading! I felt good."
FORM = (
    "I was given the gift of ____. I felt that I had to ____, and I was glad that I knew ____. I "
)
FORM += "hope that I will go on, because I want to grow and I think that I can."


@pytest.mark.parametrize(
    "text",
    [
        f"# Week\n\n{SEEN}",
        f"# Week\n\n{WALK}\n\n{EMBEDDED}",
        f"# Letter 7\n\n{GREETING}",
        f"# Story\n\n{FORM}",
        f"# Woods\n\n{WALK}\n\nAutobiography of Henry David Thoreau.",
        f"# The Secret Diary of a Carpenter\n\n{WALK}",
        f"# Il diario segreto di un falegname\n\n{WALK}",
    ],
)
def test_collections_greetings_forms_and_works_of_others_are_no_thoughts(text: str) -> None:
    assert _thoughts(text) == []


@pytest.mark.parametrize(
    "text",
    [
        f"# Week\n\n{WALK}\n\n[A film of the sea]({SITE}/1)\n\n{WALK}",
        f"# Week\n\n{WALK} Let me know what you think.",
        f"# My diary of a carpenter\n\n{WALK}",
        f"# Week\n\n{WALK} His name was ____.",
    ],
)
def test_a_link_a_word_to_readers_or_a_blank_leaves_a_reflection(text: str) -> None:
    assert [example.kind for example in _thoughts(text)] == ["reflection"]


def test_every_language_has_words_for_deciding_learning_and_readers() -> None:
    for code, table in languages().items():
        assert all((table.deciding, table.learned, table.addressing)), code
