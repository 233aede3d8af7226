"""Whose words a section holds, and what makes it a thought, in the forms that notes have.

The excerpt is in the manner of Thoreau's Walden (1854, public domain).
"""

from __future__ import annotations

import pytest

from engine.extract.notes import extract_note
from engine.models import Document, Example
from engine.sources.notes import parse_note

EXCERPT = (
    "I went to the woods because I wished to live deliberately, and I wanted to see if I could not "
    "learn what it had to teach. I realised that I did not wish to live what was not life. I "
    "regret nothing."
)
HOUSE = "The house was built in 1901 of brick, with nails of iron rather than screws, because "
HOUSE += "screws were dear, and its roof was laid by two men from the village in one summer."


def _thoughts(text: str, path: str = "note.md") -> list[Example]:
    note = parse_note(text, path.rpartition("/")[2].removesuffix(".md"))
    document = Document(
        "s", path, note.title, "b2-0", note.body, tags=note.tags, metadata=note.metadata
    )
    return extract_note(document, ("thoughts",))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        *(
            (f"# Woods\n\n{EXCERPT}\n\n{source}", "n.md")
            for source in (
                "*Walden*", '"Walden"', "Thoreau, Walden", "(Walden, 1854)", "[[Walden]]",
                "From Walden by Thoreau", "Source: [[Walden]]", "Henry David Thoreau", "«Walden»",
                "[Walden](https://example.org/walden)", "Генри Дэвид Торо, «Уолден»",
                "Henry David Thoreau, „Walden sau viața în pădure”",
            )
        ),
        (f"# Woods\n\n{EXCERPT}\nHenry David Thoreau", "n.md"),
        (f"# Woods\n\nA page.\n\n<blockquote>{EXCERPT}</blockquote>", "n.md"),
        (f"# Woods\n\nThoreau writes:\n\n{EXCERPT}", "n.md"),
        *(
            (f"# {heading}\n\n{EXCERPT}", "n.md")
            for heading in (
                "Lyrics", "Official translated lyrics", "Versuri", "Paroles", "Kindle highlights",
                "Walden quotes", "Fragment", "Отрывок", "Auszug", "Kapitel 7", "Chapter 3",
                "Capitolul 3", "第三章",
            )
        ),
        (f"---\ntags: [quote]\n---\n{EXCERPT}", "n.md"),
        (f"---\ntype: quote\n---\n{EXCERPT}", "n.md"),
        (EXCERPT, "Quotes/n.md"),
        (EXCERPT, "Lyrics/n.md"),
        (EXCERPT, "Novel/n.md"),
        (f"**Jane Doe:** {EXCERPT}\n\n**Tim Ferriss:** {EXCERPT}", "n.md"),
    ],
)  # fmt: skip
def test_what_shows_that_it_is_somebody_else_s_is_no_thought(text: str, path: str) -> None:
    assert _thoughts(text, path) == []


@pytest.mark.parametrize(
    "text",
    [
        f"# Woods\n\n{EXCERPT}",
        f"# Woods\n\n{EXCERPT}\n\n*I slept well after that.*",
        f"# Woods\n\n{EXCERPT}\n\nAnna and I",
        f"# My novel\n\n{EXCERPT}",
        f"# Chapter 3: moving\n\n{EXCERPT}",
        f"---\ntags: [quote, reflection]\n---\n## Reflection\n\n{EXCERPT}",
    ],
)
def test_what_only_looks_like_it_is_the_writer_s(text: str) -> None:
    assert [example.kind for example in _thoughts(text)] == ["reflection"]


def test_short_thoughts_are_taken_from_25_words() -> None:
    romanian = (
        "Am decis să plec la Cluj, pentru că chiria era prea mare în București. Mi-am dat seama că "
        "puteam lucra de oriunde. Data viitoare aș întreba mai devreme pe cineva care știe."
    )
    assert [example.kind for example in _thoughts(romanian)] == ["reflection"]
    assert _thoughts("I was out because the bus was late. " + "The street was dark. " * 5) == []


@pytest.mark.parametrize(
    "text",
    [
        f"# House\n\n## Decision\nWe sell.\n\n## Why is the roof red?\n{HOUSE}",
        f"# House\n\n## Decision\nWe sell.\n\n## Background\n{HOUSE}",
        f"# House\n\n## Decision\nWe sell.\n\n## Decision making in groups\n{HOUSE}",
        f"# A paper\n\n## Key takeaways\n{HOUSE}",
        f"# A course\n\n## Lessons\n{HOUSE}",
        f"# A case\n\n## The Verdict\n{HOUSE}",
        f"---\ntags: [process, learning, connect]\n---\n## Install\n\n{HOUSE}",
        f"---\ntags: '[[multi-task learning]]'\n---\n{HOUSE}",
    ],
)
def test_descriptions_beside_thoughts_and_under_topics_are_none(text: str) -> None:
    assert _thoughts(text) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"# Notes\n\n## {heading}\n{HOUSE}", kind)
        for heading, kind in (
            ("Why I chose Postgres", "decision"),
            ("De ce am ales Postgres", "decision"),
            ("Warum ich Postgres gewählt habe", "decision"),
            ("Wofür ich mich entschieden habe", "decision"),
            ("Por qué elegí Postgres", "decision"),
            ("Почему я выбрал Postgres", "decision"),
            ("Was ich über den Ofen gelernt habe", "learning"),
            ("Wat ik van de oven heb geleerd", "learning"),
            ("Ce m-a învățat cuptorul", "learning"),
            ("我學到的事", "learning"),
            ("決定：賣掉船", "decision"),
        )
    ],
)
def test_headings_that_say_it(text: str, kind: str) -> None:
    assert [example.kind for example in _thoughts(text)] == [kind]


def test_what_is_left_out_is_told_truly() -> None:
    left: list[tuple[str, str]] = []
    text = (
        f"# A\n\n## House\n{HOUSE}\n\n## Links\n{HOUSE}\n\n## Few\n"
        + "- an old house by the road\n" * 6
    )
    document = Document("s", "n.md", "A", "b2-0", text)
    extract_note(document, ("thoughts", "qa"), lambda _, code, why: left.append((code, why)))
    assert [code for code, _ in left] == ["on-request", "no-sign", "no-sign"]
    assert "under 'Links'" in left[1][1]
    assert "a short list" in left[2][1]


def test_a_tag_goes_for_the_first_text_where_no_text_can_agree() -> None:
    said = "昨日は雨が降ったので、家で本を読んだ。友達と長い時間話して、とても楽しかった。" * 3
    found = _thoughts(f"---\ntags: [reflection]\n---\n# 引っ越し\n\n{said}\n\n## 天気\n\n{said}")
    assert [example.provenance.heading for example in found] == ["引っ越し"]
