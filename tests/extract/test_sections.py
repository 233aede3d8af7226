from __future__ import annotations

from itertools import pairwise

from engine.extract.sections import split_sections

NOTE = """lead #note

# Title
under the title

## First #work
one
%% # not a heading %%
```
# code
```

### Inner
inner

**Reflection**
bold above

Underlined
==========
last

> [!Lesson] kept
"""


def test_a_note_is_split_at_every_heading() -> None:
    sections = split_sections(NOTE)
    assert [(section.heading, section.level) for section in sections] == [
        ("", 0),
        ("Title", 1),
        ("First", 2),
        ("Inner", 3),
        ("Reflection", 7),
        ("Underlined", 1),
    ]


def test_each_section_knows_its_lines_parents_and_tags() -> None:
    _, title, first, inner, bold, last = split_sections(NOTE)
    lines = NOTE.split("\n")
    assert lines[title.start : title.end] == ["# Title", "under the title"]
    assert first.tags == ("work",)
    assert first.parents == ("Title",)
    assert inner.parents == ("Title", "First")
    assert bold.parents == ("Title", "First", "Inner")
    assert last.parents == ()
    assert last.callouts == ("lesson",)
    assert lines[last.end - 1] == "> [!Lesson] kept"


def test_the_sections_cover_the_note_without_overlap() -> None:
    sections = split_sections(NOTE)
    for before, after in pairwise(sections):
        assert before.start <= before.end <= after.start


def test_a_note_without_headings_is_one_section() -> None:
    (only,) = split_sections("one\n\ntwo\n\n")
    assert (only.heading, only.start, only.end, only.lines) == ("", 0, 3, ["one", "", "two"])


def test_bold_lines_are_headings_only_where_they_mean_something() -> None:
    assert [s.heading for s in split_sections("**Milk**\nx\n\n**What I learned:**\ny")] == [
        "",
        "What I learned",
    ]


def test_lists_and_rules_are_no_underlined_headings() -> None:
    assert len(split_sections("- item\n---\n\ntext\n\n---\n\nmore")) == 1


def test_rules_divide_what_no_heading_divides() -> None:
    entry = "I went out to the mill again today, and all along the way I thought of the boat. " * 2
    text = f"---\n\n{entry}\n\n---\n\nShort.\n\n* * *\n\n{entry}\n\n---\n\n{entry}\n\n"
    text += f"# H\n\n{entry}\n\n---\n\n{entry}"
    found = split_sections(text)
    places = [(section.heading, section.start) for section in found]
    assert places == [("", 0), ("", 8), ("", 12), ("H", 16)]
