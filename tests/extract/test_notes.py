from __future__ import annotations

from pathlib import Path

import pytest

from engine.extract.notes import extract_note
from engine.extract.prose import MAX_WORDS
from engine.models import Document, Example, example_id
from engine.sources.notes import parse_note
from tests.support.vaults import read_vault

THOUGHT = (
    "I had put off the call for a month because I was afraid of the answer. In the end it took "
    "four minutes, and the answer was yes. I noticed that I had been more afraid of hoping than "
    "of a no."
)
PLAIN = (
    "The library is open from nine to five and has three floors. The catalogue stands on the first "
    "floor beside the stairs, and the reading room with the long tables is on the second."
)


def _extract(text: str, path: str = "note.md") -> list[Example]:
    note = parse_note(text, path.rpartition("/")[2].removesuffix(".md"))
    return extract_note(
        Document(
            source_id="s",
            path=path,
            title=note.title,
            content_hash="b2-0",
            text=note.body,
            tags=note.tags,
            date=note.date,
            start_line=note.body_line,
            metadata=note.metadata,
        ),
        ("thoughts",),
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"# Day\n\n## Evening\n#reflection\n{PLAIN}", "reflection"),
        (f"# Day\n\n## Evening\n{PLAIN} #me/decision", "decision"),
        (f"---\ntags: [learning]\n---\n{PLAIN}", "learning"),
        (f"## What I learned\n{PLAIN}", "learning"),
        (f"## Decision\n{PLAIN}", "decision"),
        (f"## Decision\n{PLAIN}\n\n## Consequences\n{PLAIN}", "decision"),
        (f"## Looking back\n{THOUGHT}", "reflection"),
        (f"## Review\n### The call\n{THOUGHT}", "reflection"),
        (f"> [!reflection] Today\n> {PLAIN}", "reflection"),
        (f"Just words.\n\n{THOUGHT}", "reflection"),
        (f"# Learnings\n\n**What I learned**\n\n{PLAIN}", "learning"),
    ],
)
def test_what_is_taken(text: str, kind: str) -> None:
    examples = _extract(text)
    assert examples
    assert {example.kind for example in examples} == {kind}
    for example in examples:
        assert example.reason
        assert 0 < example.score <= 1
        assert example.id == example_id(example.turns)


@pytest.mark.parametrize(
    "text",
    [
        f"# Library\n\n{PLAIN}",
        f"## Groceries\n{THOUGHT}",
        f"## Log\n{THOUGHT}",
        "## Reflection\nToo short to be anything.",
        "---\ntags: [reflection]\n---\n# Day\n\n- bread\n- milk\n- a bag of flour\n- tea",
        "#reflection\n\n" + "\n".join(f"- [ ] call the office about number {n}" for n in range(20)),
        "#reflection\n\n"
        + "\n".join(f"- {n:02d}:10 walked along the river to the mill and back" for n in range(8)),
        "#reflection\n\n| a | b |\n|---|---|\n"
        + "| some words in a cell | and more of them |\n" * 9,
        f"#reflection\n\n> {THOUGHT}",
        f"## Reflection\n```\n{THOUGHT}\n```",
        f"---\nsource: https://example.org/post\n---\n{THOUGHT}",
        f"---\ncategories: ['[[Clippings]]']\n---\n## Reflection\n{THOUGHT}",
        "## Why\n" + PLAIN,
        "",
    ],
)
def test_what_is_left(text: str) -> None:
    assert _extract(text) == []


_OTHERS = (
    "I tried a popular app and I am ready to jump ship, because I think it is better",
    "What I learned when I used a model to write an essay, but I regret it in the end",
    "I had my cane stolen and I decided to run, and I was wrong, but I would do it again",
)


@pytest.mark.parametrize(
    "text",
    [
        # Titles of pages that are linked to, embeds, quotations in lists and in sentences, code.
        "\n".join(f"- [{title}](https://example.org/{n})" for n, title in enumerate(_OTHERS)),
        "\n".join(f"- see ![[{title}]]" for title in _OTHERS),
        "\n".join(f"- > {title}." for title in _OTHERS),
        "\n".join(f"He said “{title}.” Nobody else in the room said a word." for title in _OTHERS),
        "\n".join(f"The line `{title}` stands in the log of the old server." for title in _OTHERS),
        # Whole sections of somebody else's, by their first line or their last.
        f"[Ann on her page](https://example.org)\n\n{THOUGHT}",
        f"{THOUGHT}\n\n— Alan Watts",
        # An "I" that is nobody's.
        f"Suppose I stand on the bridge. {THOUGHT}",
    ],
)
def test_the_words_of_others_are_no_thoughts(text: str) -> None:
    assert _extract(f"# Links\n\n## Seen this week\n{text}") == []


@pytest.mark.parametrize(
    "heading", ["Thought experiment", "Context compaction signals", "Question of syntax", "Why"]
)
def test_a_weak_heading_needs_the_body_to_agree(heading: str) -> None:
    said = "I ask what the rule is, and my book says that the verb stands at the end, always, so "
    said += "that the sentence is understood only when the last of its words has been read."
    assert _extract(f"## {heading}\n{said}") == []
    decided = "I decided to keep the old book because the new one is dearer, and not better to me."
    (example,) = _extract(f"## Why the book\n{said}\n\n## Decision\n{decided} {decided}")[1:]
    assert example.kind == "decision"


def test_one_tag_does_not_make_all_sections_of_a_note_what_it_says() -> None:
    text = (
        f"---\ntags: [decision]\n---\n# The call\n\n## Opening hours\n{PLAIN}\n\n"
        f"## What we did\nWe decided to call. {PLAIN}\n\n## Options\n{PLAIN}"
    )
    found = [(example.provenance.heading, example.kind) for example in _extract(text)]
    assert found == [("What we did", "decision"), ("Options", "decision")]


def test_a_section_of_a_clipping_is_taken_where_it_is_tagged() -> None:
    text = f"---\nurl: https://example.org/post\n---\n{PLAIN}\n\n## Mine\n#reflection\n{THOUGHT}"
    assert [example.provenance.heading for example in _extract(text)] == ["Mine"]


def test_the_answer_is_the_author_s_text_without_heading_tags_and_marks() -> None:
    text = (
        "---\ndate: 2025-03-14\ntags: [daily]\n---\n# Friday\n\nhello\n\n"
        "## The call to [[Mara]]\n#reflection #work/calls\nmood:: calm\n"
        f"**{THOUGHT[:-1]}**, says [my sister](https://example.org). %% private %%\n"
        "- [ ] call again\n\n"
        "## Other\nx\n"
    )
    (example,) = _extract(text, "daily/a.md")
    question, answer = example.turns
    assert answer.content == f"{THOUGHT[:-1]}, says my sister."
    assert "call to Mara" in question.content
    place = example.provenance
    assert text.split("\n")[place.start_line - 1] == "## The call to [[Mara]]"
    assert text.split("\n")[place.end_line - 1] == "- [ ] call again"
    assert place.heading == "The call to Mara"
    assert place.tags == ("daily", "reflection", "work/calls")
    assert (place.date, place.title, place.path) == ("2025-03-14", "Friday", "daily/a.md")


def test_short_sections_below_one_belong_to_it() -> None:
    text = f"## Reflection\n{THOUGHT}\n\n### In short\nHope is the frightening part.\n"
    (example,) = _extract(text)
    assert example.turns[1].content.endswith("In short:\n\nHope is the frightening part.")


def test_a_note_of_short_sections_is_taken_whole_where_it_says_what_it_is() -> None:
    first, second = THOUGHT.split(". In")[0], "In" + THOUGHT.split(". In")[1]
    text = f"---\ntags: [decision]\n---\n# Calling\n\n## Before\n{first}.\n\n## After\nShort."
    (example,) = _extract(text + f"\n\n## Then\n{second[:60]}.")
    assert example.kind == "decision"
    assert example.turns[1].content.startswith("Before:\n\n")
    assert _extract(text.replace("decision", "daily")) == []


def test_long_sections_are_split_between_paragraphs() -> None:
    paragraphs = [f"Paragraph {number}. {THOUGHT}" for number in range(24)]
    examples = _extract("## Reflection\n" + "\n\n".join(paragraphs))
    assert len(examples) > 1
    answers = [example.turns[1].content for example in examples]
    assert all(len(answer.split()) <= MAX_WORDS for answer in answers)
    assert "\n\n".join(answers) == "\n\n".join(paragraphs)
    assert len({example.turns[0].content for example in examples}) == len(examples)
    lines = [(example.provenance.start_line, example.provenance.end_line) for example in examples]
    assert lines == sorted(lines)


def test_a_paragraph_that_is_too_long_is_split_between_sentences() -> None:
    examples = _extract("## Reflection\n" + THOUGHT * 1 + (" " + THOUGHT) * 20)
    assert len(examples) > 1
    assert all(example.turns[1].content.endswith(".") for example in examples)


def test_even_a_sentence_without_end_makes_no_endless_answer() -> None:
    examples = _extract("#reflection\n\n" + "I went on and on and " * 300)
    assert len(examples) > 1
    assert all(len(example.turns[1].content.split()) <= MAX_WORDS for example in examples)


def test_an_entry_s_own_date_goes_before_the_note_s() -> None:
    text = f"---\ndate: 2020-01-01\n---\n# Diary\n\n## 2025-03-14\n#reflection\n{THOUGHT}"
    (example,) = _extract(text)
    assert example.provenance.date == "2025-03-14"


def test_extraction_is_pure() -> None:
    text = f"## Reflection\n{THOUGHT}"
    assert _extract(text) == _extract(text)


def test_the_demo_vault_gives_what_was_meant_and_nothing_else(demo_data: Path) -> None:
    vault = demo_data / "vault"
    meant: set[tuple[str, str]] = set()
    for path in vault.rglob("*.md"):
        heading = ""
        for line in path.read_text("utf-8").split("\n"):
            if line.startswith(("# ", "## ", "### ")):
                heading = line.lstrip("# ")
            # The person of the demo begins all that matters with these words.
            if "the weight of it" in line and "templates" not in path.parts:
                meant.add((path.relative_to(vault).as_posix(), heading))
    documents, _ = read_vault(vault)
    examples = [
        example for document in documents for example in extract_note(document, ("thoughts",))
    ]
    found = {(example.provenance.path, example.provenance.heading) for example in examples}
    assert len(meant) >= 115
    assert found == meant
    assert len(examples) == len(meant)
    assert len({example.turns[0].content for example in examples}) == len(examples)
    for example in examples:
        assert "[[" not in example.turns[1].content
        assert "](" not in example.turns[1].content


def test_a_kind_that_only_the_wording_tells_is_not_asked_for() -> None:
    told = (
        "I learned that the kiln must cool for a day, and I realised that I had always opened it "
        "too early. I think next time I will wait, because I regret the pots that I lost. In the "
        "end I understood that my hurry was the mistake, and I feel glad that I know it now."
    )
    plain = _extract(f"# Kilns\n\n## Monday\n\n{told}")
    said = _extract(f"# Kilns\n\n## What I learned\n\n{told}")
    assert "lesson" not in plain[0].turns[0].content
    assert "learned" in said[0].turns[0].content or "lesson" in said[0].turns[0].content
