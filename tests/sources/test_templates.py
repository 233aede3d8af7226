from __future__ import annotations

import pytest

from engine.sources.templates import unfilled

_PROSE = (
    "I decided to keep the old rope because it had carried the bell for forty years, and I trust "
    "what has lasted. I learned that the noise was what I would miss most of all if it went."
)


@pytest.mark.parametrize(
    ("mark", "lines"),
    [
        ('created: <% tp.date.now("yyyy-MM-DD") %>', 1),
        ("Today's link: [[{{date:YYYY-MM-DD}}]]", 1),
        ("# {{title}}", 1),
        ("- {{VALUE:mood}}", 1),
        ("<%*\nconst name = await tp.system.prompt('Name')\ntR += name\n%>", 4),
        ("[[{{yesterday}}]] and [[{{tomorrow:YYYY}}]]", 1),
        ("<%- tp.file.title", 1),
    ],
)
def test_a_note_is_read_without_the_lines_that_nobody_filled_in(mark: str, lines: int) -> None:
    note = f"# Ropes\n\n{_PROSE}\n\n{mark}\n\nThe end."
    found = unfilled(note)
    assert found is not None
    assert not found.is_template
    assert found.text == note.replace(mark, "\n" * (lines - 1))
    assert list(found.lines) == list(range(5, 5 + lines))


def test_a_heading_keeps_its_own_words() -> None:
    found = unfilled(f"## [[{{{{date}}}}]] Reflection\n\n{_PROSE}")
    assert found is not None
    assert found.text.startswith("##  Reflection\n")


@pytest.mark.parametrize(
    "text",
    [
        "---\ncreated: <% tp.date.now() %>\n---\n# <% tp.file.title %>\n\n## Log\n\n## Learned",
        "# {{date:dddd}}\n\n- [ ] read for half an hour before the house is awake\n\n## Thoughts\n",
        f"# {{{{title}}}}\n\n{{{{date}}}} {{{{time}}}}\n\n{_PROSE[:100]}\n\n[[{{{{yesterday}}}}]]",
    ],
)
def test_a_template_is_one_through_and_through(text: str) -> None:
    found = unfilled(text)
    assert found is not None
    assert found.is_template


@pytest.mark.parametrize(
    "text",
    [
        f"{_PROSE} `{{{{date}}}}`",
        f"{_PROSE}\n\n```\n<% tp.date.now() %>\n```",
        "{{ page.url }} and {{#if name}} and <%= name %>",
        "{{name}} of a {{dateless}} thing",
    ],
)
def test_marks_in_code_and_those_of_others_mean_themselves(text: str) -> None:
    assert unfilled(text) is None


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"{_PROSE} I sold it on {{{{date}}}}, and wept. {_PROSE}", f"{_PROSE} {_PROSE}"),
        (f'- {_PROSE} It was <% tp.date.now("D. MM") %>.', f"- {_PROSE}"),
        (f"| {_PROSE} | {{{{date}}}} |", ""),
        ("[[I walked to the mill once. {{date}}]] and then went home.", ""),
    ],
)
def test_a_paragraph_keeps_its_other_sentences(text: str, left: str) -> None:
    found = unfilled(text)
    assert found is not None
    assert found.text == left
