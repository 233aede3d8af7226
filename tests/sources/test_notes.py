from __future__ import annotations

import pytest

from engine.sources.notes import heading, parse_note


def test_frontmatter_is_read_and_the_body_keeps_its_line_numbers() -> None:
    note = parse_note(
        "---\ntitle: A walk\ndate: 2025-03-14\ntags: [Walk, plot/beans]\n"
        "mood: 7\ndone: true\n---\nBody\n"
    )
    assert (note.title, note.date, note.tags) == ("A walk", "2025-03-14", ("Walk", "plot/beans"))
    assert (note.body, note.body_line) == ("Body\n", 8)
    assert note.metadata == {"title": "A walk", "date": "2025-03-14", "mood": "7", "done": "true"}
    assert not note.problem


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("tags: reflection", ("reflection",)),
        ("tags: reflection, work/rope", ("reflection", "work/rope")),
        ("tags: '#reflection #work'", ("reflection", "work")),
        ("tags:\n  - reflection\n  - 2025\n  - two words", ("reflection", "2025", "two-words")),
        ("Tags: [a]", ("a",)),
        ("tag: a", ("a",)),
        ("tags:", ()),
        ("tags: {a: b}", ()),
        ("categories:\n  - '[[Clippings]]'", ("Clippings",)),
    ],
)
def test_tags_of_the_frontmatter(tags: str, expected: tuple[str, ...]) -> None:
    assert parse_note(f"---\n{tags}\n---\nx").tags == expected


def test_tags_before_the_first_section_belong_to_the_note() -> None:
    note = parse_note("# Title\n#lesson\n\ntext\n\n## Part\n#decision")
    assert note.tags == ("lesson",)
    assert note.title == "Title"


def test_aliases_and_field_lines_become_metadata() -> None:
    note = parse_note("---\naliases: [One, Two]\n---\nmood:: grim\n\ntext", "Name")
    assert note.metadata == {"aliases": "One, Two", "mood": "grim"}
    assert note.title == "Name"


@pytest.mark.parametrize(
    ("block", "line"),
    [
        ('title: "never closed\ntags: [reflection]', 2),
        ("title: a: b\ntags: [reflection]", 2),
        ("tags: [reflection\ndate: x", 2),
        ("a: 1\n\tb: 2", 3),
        ("date: 2025-13-45T99:99", 1),
        ("? [a, b]\n: c\n- d", 4),
    ],
)
def test_broken_yaml_is_named_with_its_line_and_the_body_survives(block: str, line: int) -> None:
    note = parse_note(f"---\n{block}\n---\nI kept this.")
    assert note.body == "I kept this."
    if note.problem:
        assert "not valid YAML" in note.problem
        assert note.problem_line == line


def test_plain_lines_of_broken_yaml_are_still_used() -> None:
    note = parse_note('---\ntitle: "The gate\ntags:\n  - reflection\ndate: 2025-03-14\n---\nBody')
    assert note.problem
    assert (note.title, note.tags, note.date) == ("The gate", ("reflection",), "2025-03-14")


def test_frontmatter_that_is_never_closed() -> None:
    note = parse_note("---\ntitle: A\ntags: [b]\n\nI wrote on and on.\n")
    assert "never closed" in note.problem
    assert "I wrote on" in note.body
    assert note.title == "A"
    assert note.body.split("\n")[0] == ""
    assert note.body_line == 4


def test_a_rule_at_the_top_is_no_frontmatter() -> None:
    note = parse_note("---\n\nJust a rule above.\n")
    assert (note.problem, note.body_line) == ("", 1)


@pytest.mark.parametrize(
    "block",
    [
        "a: " + "[" * 40_000 + "]" * 40_000,
        "a: " + "[" * 4_000 + "]" * 4_000,
        "- " * 20_000 + "x",
        "a: 1\n" * 50_000,
        "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(500)),
    ],
    ids=["too-long", "brackets", "dashes", "keys", "aliases"],
)
def test_hostile_yaml_neither_ends_the_process_nor_takes_the_note(block: str) -> None:
    assert parse_note(f"---\n{block}\n---\nI kept this.").body.endswith("I kept this.")


def test_yaml_cannot_make_objects() -> None:
    note = parse_note("---\na: !!python/object/apply:os.system ['echo no']\n---\nx")
    assert note.problem
    assert note.body == "x"


def test_date_comes_from_frontmatter_then_name_then_a_line_of_the_text() -> None:
    assert parse_note("---\ndate: 2024-01-01\n---\nx", "2025-03-14").date == "2024-01-01"
    assert parse_note("---\ncreated: 2024-01-01T10:00:00\n---\nx").date == "2024-01-01"
    assert parse_note("x", "2025-03-14").date == "2025-03-14"
    assert parse_note("# 3. Outline\n\nDate: 2017-06-30\n\n## Status\n").date == "2017-06-30"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("# One", (1, "One")),
        ("### Three ###", (3, "Three")),
        ("#tag", None),
        ("####### seven", None),
        ("    # code", None),
        ("## ", (2, "")),
    ],
)
def test_headings(line: str, expected: tuple[int, str] | None) -> None:
    assert heading(line) == expected


@pytest.mark.parametrize(
    "name", ["2025-03-14", "14.03.2025", "March 14, 2025", "14. März 2025", "14 martie 2025"]
)
def test_daily_notes_by_their_names(name: str) -> None:
    assert parse_note("I slept.", name).date == "2025-03-14"


def test_aliases_that_explode_are_named_and_the_note_is_read() -> None:
    laughs = "a0: &a0 [x]\n" + "".join(
        f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)
    )
    note = parse_note(f"---\ntitle: Kept\n{laughs}---\nI kept this.")
    assert (note.problem_code, note.title, note.body) == ("yaml-aliases", "Kept", "I kept this.")
    assert note.problem_line == 1


def test_a_block_of_text_in_the_frontmatter_is_no_end_of_it() -> None:
    note = parse_note("---\nquery: |-\n  # show\n  not done\ntags: [a]\n---\nBody")
    assert (note.problem, note.tags, note.body) == ("", ("a",), "Body")
    assert note.metadata["query"] == "# show\nnot done"


def test_a_title_behind_code_and_comments() -> None:
    text = "%% # hidden %%\n```\n# code\n```\n# Title\n#tag\n\n## Part\n#other"
    note = parse_note(text)
    assert (note.title, note.tags) == ("Title", ("tag",))


_PROSE = (
    "I decided to sell the boat because the river had changed more than I had, and I learned "
    "that I only liked the idea of leaving."
)


@pytest.mark.parametrize(
    "block",
    [
        f"\n{_PROSE}\n",
        _PROSE,
        f"Thoughts: {_PROSE}",
        "\nNote: I went there.\n",
        f"I said: {_PROSE}\nand I meant: every word of it.",
        "- rope\n- tar",
        "one word",
        "# A heading between rules",
        "42",
        f'He asked "why: because\n{_PROSE}',
    ],
)
@pytest.mark.parametrize(
    ("opening", "ending"), [("---", "---"), ("--- ", "---\t"), ("\n---", "...")]
)
def test_prose_between_two_rules_is_text(block: str, opening: str, ending: str) -> None:
    note = parse_note(f"{opening}\n{block}\n{ending}\n\n# Rest\n\nMore.", "n")
    assert (note.body_line, note.has_frontmatter, note.problem) == (1, False, "")
    assert block in note.body
    assert "More." in note.body


@pytest.mark.parametrize(
    "block",
    [
        "",
        "\n",
        "title: A walk",
        f"description: {_PROSE}",
        f'Thoughts: "{_PROSE}"',
        f"tags: [a]\nThoughts: {_PROSE}",
        "\ntags: [a]\n",
        "tags:\n- a\n- b",
        "# made by a tool\ntitle: A walk",
        f"comment: >\n  {_PROSE}",
    ],
)
def test_data_between_two_rules_is_frontmatter(block: str) -> None:
    note = parse_note(f"---\n{block}\n---\nBody.", "n")
    assert (note.body, note.has_frontmatter) == ("Body.", True)


@pytest.mark.parametrize(
    "text",
    [
        '+++\ntitle = "A walk"\ndate = 2025-03-14\n[taxonomies]\ntags = ["rope"]\n+++\nBody',
        '---toml\ntitle = "A walk"\ndate = 2025-03-14\ntags = ["rope"]\n---\nBody',
        '---json\n{"title": "A walk", "date": "2025-03-14", "tags": ["rope"]}\n---\nBody',
        ';;;\n"title": "A walk",\n"date": "2025-03-14",\n"tags": ["rope"]\n;;;\nBody',
        '{\n  "title": "A walk",\n  "date": "2025-03-14",\n  "tags": ["rope"]\n}\nBody',
        "\ufeff---\ntitle: A walk\ndate: 2025-03-14\ntags: rope\n...\nBody",
        '\n\n\n\n\ufeff +++\ntitle = "A walk"\ndate = 2025-03-14\ntags = ["rope"]\n+++\nBody',
    ],
    ids=["hugo-toml", "matter-toml", "matter-json", "hexo-json", "hugo-json", "yaml-dots", "blank"],
)
def test_frontmatter_of_other_forms(text: str) -> None:
    note = parse_note(text, "n")
    assert (note.title, note.date, note.tags) == ("A walk", "2025-03-14", ("rope",))
    assert note.body == "Body"
    assert note.body_line == text.count("\n") + 1
    assert not note.problem


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ('+++\ntitle = "never closed\nweight = 3\n+++\nBody', "broken-toml", 2),
        (';;;\n"title": never,\n;;;\nBody', "broken-json", 2),
    ],
)
def test_broken_frontmatter_of_other_forms_is_named(text: str, code: str, line: int) -> None:
    note = parse_note(text)
    assert (note.problem_code, note.problem_line, note.body) == (code, line, "Body")


@pytest.mark.parametrize("mark", ["+++", ";;;"])
def test_prose_between_other_marks_is_text(mark: str) -> None:
    assert _PROSE in parse_note(f"{mark}\n{_PROSE}\n{mark}\nBody").body


def test_a_rule_and_a_sentence_with_a_colon_are_no_frontmatter_without_an_end() -> None:
    note = parse_note(f"---\nThoughts: {_PROSE}\n\n## Rest\n\nMore.")
    assert (note.body_line, note.problem) == (1, "")
    assert _PROSE in note.body


@pytest.mark.parametrize(
    ("body", "name", "title"),
    [
        ("# Why do I say yes?\n\na\n\n# Is it cold?\n\nb\n", "2025 questions", "2025 questions"),
        # A name that the heading stands in is the heading's, written for a file.
        ("# [Come, drink](https://x.org)\n\na\n\n# More\n\nb\n", "346_Come.drink", None),
        ("# The kiln\n\n```sh\n# a comment\n```\n", "clay", "The kiln"),
        ("# The kiln\n\n## Clay\n\na\n", "clay", "The kiln"),
    ],
)
def test_several_titles_are_none(body: str, name: str, title: str | None) -> None:
    assert parse_note(body, name).title == (title or "[Come, drink](https://x.org)")
