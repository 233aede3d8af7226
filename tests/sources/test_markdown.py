from __future__ import annotations

import pytest

from engine.sources.blocks import plain
from engine.sources.markdown import (
    code_spans,
    fenced,
    field_line,
    inline_tags,
    link_text,
    strip_comments,
)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("#reflection at the start", ("reflection",)),
        ("at the end #decision/money", ("decision/money",)),
        ("(#work) and, #home", ("work", "home")),
        ("#a #b #a", ("a", "b")),
        ("#învățat și #entscheidung-groß", ("învățat", "entscheidung-groß")),
        ("issue #123 is no tag", ()),
        ("#123abc is one", ("123abc",)),
        ("# A heading", ()),
        ("## #tagged heading", ("tagged",)),
        ("mid#word and https://example.org/a#part", ()),
        ("[text](https://example.org/#part) and [[Note#Heading]]", ()),
        ("`#code` stays out, and so does ``a ` #b``", ()),
        ("```\n#fenced\n```\n#open", ("open",)),
        ("~~~\n#fenced\n```\n#still\n~~~\n#open", ("open",)),
        ("%% #hidden %% #seen", ("seen",)),
        ("<!-- #hidden\n#too --> #seen", ("seen",)),
        ("#nested/", ("nested",)),
        ("#!/bin/sh and #", ()),
    ],
)
def test_inline_tags(text: str, tags: tuple[str, ...]) -> None:
    assert inline_tags(text) == tags


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[Mara]] came, with [[people/Ines|her sister]]", "Mara came, with her sister"),
        ("see [[Note#Part]] and [[#Part]]", "see Note and Part"),
        ("![[photo.png]]before ![[Recipe]]", "before Recipe"),
        ("a [link](https://example.org/a_(b)) here", "a link here"),
        ("![alt](x.png) a picture", " a picture"),
        ("a [reference][1] here\n\n[1]: https://example.org", "a reference here"),
        ("**bold**, *leaning*, __both__, _one_, ==lit==", "bold, leaning, both, one, lit"),
        ("snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"),
        ("keep `**code**` as it is", "keep `**code**` as it is"),
        ("~~gone~~ kept", "kept"),
        ("a line ^block-1", "a line"),
        ("I fought with #mara about it #family", "I fought with mara about it"),
        ("one%% two %% three", "one three"),
        ("100%% sure", "100%% sure"),
        ("a\\*b and \\# and \\$5", "a*b and # and $5"),
        ("mood:: grim\n\nand then [weight:: 71 kg] today", "and then 71 kg today"),
        ("<b>bold</b> text<br>next", "bold text next"),
        (
            "a note[^1] and inline^[so to say]\n\n[^1]: below",
            "a note (below) and inline (so to say)",
        ),
    ],
)
def test_plain_text_of_marks(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_callouts_are_unwrapped_and_quotes_stay_apart() -> None:
    text = "> [!tip]- What I keep\n> One line.\n\n> somebody else said"
    assert plain(text) == "What I keep\nOne line.\n\nsomebody else said"


def test_lists_keep_their_shape_and_their_numbers_go_on() -> None:
    text = "1. one\n1. two\n   goes on\n   - inner\n1. three\n\n- [ ] open\n- [x] done"
    assert plain(text) == "1. one\n2. two goes on\n  - inner\n3. three\n\n- open\n- done"


def test_code_blocks_are_kept_as_they_are() -> None:
    text = "before\n\n```python\nx = '#no tag'  # [[no link]]\n```\n\nafter"
    assert plain(text) == text


def test_hard_wrapped_paragraphs_are_joined_and_verses_are_not() -> None:
    wrapped = (
        "I walked down to the river in the morning because the house was too\n"
        "loud, and on the way I met nobody at all, which was the whole point of\n"
        "going."
    )
    assert "\n" not in plain(wrapped)
    verse = "Short lines\nof a poem\nstay apart"
    assert plain(verse) == verse


def test_tables_and_rules_become_rows_of_cells() -> None:
    assert plain("| a | **b** |\n|---|:-:|\n| 1 | 2 |\n\n---\n\nend") == "a | b\n1 | 2\n\nend"


@pytest.mark.parametrize(
    ("line", "pair"),
    [
        ("mood:: tired", ("mood", "tired")),
        ("- **sleep quality**:: 7", ("sleep quality", "7")),
        ("empty::", ("empty", "")),
        ("std::vector is C++", None),
        ("a sentence with words :: between", None),
        ("https://example.org", None),
    ],
)
def test_field_lines(line: str, pair: tuple[str, str] | None) -> None:
    assert field_line(line) == pair


def test_comments_leave_the_line_numbers_alone() -> None:
    lines = ["a %%x", "y", "z%% b", "`%%` c"]
    assert strip_comments(lines, fenced(lines)) == ["a ", "", " b", "`%%` c"]


def test_fences() -> None:
    lines = ["````", "```", "````", "text", "> ```", "> x", "out"]
    assert fenced(lines) == [True, True, True, False, True, True, False]


def test_code_spans_pair_runs_of_equal_length() -> None:
    assert code_spans("a `b` ``c ` d`` `") == [(2, 5), (6, 15)]


def test_many_unpaired_marks_take_linear_time() -> None:
    # Quadratic work on this much would not end in the lifetime of a test run.
    assert plain("%% <!-- `" * 50_000)
    assert plain("[[" * 50_000 + "**" * 50_000)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("Note", "Note"),
        ("folder/Note.md", "Note"),
        ("Note|shown", "shown"),
        ("picture.png|300", "picture.png"),
        ("Note#Heading", "Note"),
        ("#^block", "block"),
    ],
)
def test_link_text(target: str, text: str) -> None:
    assert link_text(target) == text
