from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sources.blocks import blocks, plain
from engine.sources.inline import Defined, inline_plain, inline_plain_lines, link_text
from engine.sources.markdown import (
    code_spans,
    fenced,
    field_line,
    inline_tags,
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
        ("![alt](x.png) a picture", "a picture"),
        ("a [reference][1] here\n\n[1]: https://example.org", "a reference here"),
        ("**bold**, *leaning*, __both__, _one_, ==lit==", "bold, leaning, both, one, lit"),
        ("snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"),
        ("keep `**code**` as it is", "keep `**code**` as it is"),
        ("~~gone~~ kept", "kept"),
        ("it took (age:: seven) years (std::vector too)", "it took seven years (std::vector too)"),
        ("![[Recipe]]\n![[Mara#Letters]] ![[plan.png]]\n\ntext", "text"),
        ("- ![[Recipe]]\n- bread", "- bread"),
        ("a `= this.file.name` query and `$= dv.x` another", "a query and another"),
        ("text[^1] here\n\n[^1]: the note\n    goes on\n\nend", "text (the note) here\n\nend"),
        ("<span>#tag/one</span>\n\ntext", "text"),
        ("a line ^block-1", "a line"),
        ("I fought with #mara about it #family", "I fought with mara about it"),
        ("one%% two %% three", "one three"),
        ("100%% sure", "100%% sure"),
        ("a\\*b and \\# and \\$5", "a*b and # and $5"),
        ("mood:: grim\n\nand then [weight:: 71 kg] today", "and then 71 kg today"),
        ("<b>bold</b> text<br>next", "bold text next"),
        ("so\n$$\na \\\\\n\n- b_1 * c_1\n$$\nis", "so\n\n$$\na \\\\\n\n- b_1 * c_1\n$$\n\nis"),
        ("$$\nnever *closed*", "$$\nnever closed"),
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


def test_callouts_may_fold_and_lie_in_one_another() -> None:
    text = "> [!note]+ One\n> a\n>> [!warning]- Two\n>> b\n\nend"
    assert plain(text) == "One\na\n\nTwo\nb\n\nend"
    (quote,) = blocks(["> [!quote] Ines", "> not mine"])
    assert (quote.kind, quote.text) == ("quote", "Ines\nnot mine")


@pytest.mark.parametrize(
    "task",
    [
        "call 📅 2024-01-01",
        "call ⏫ 🔁 every day when done ⏳ 2024-01-01 ✅ 2024-01-02",
        "call [due:: 2024-01-01] (priority:: high)",
        "call 🆔 abc123 ⛔ def456",
        "call #work 🛫 2024-01-01",
    ],
)
def test_tasks_lose_what_only_their_plugin_reads(task: str) -> None:
    assert plain(f"- [ ] {task}") == "- call"


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


_PIECES = st.sampled_from([
    "*", "**", "_", "__", "`", "[[", "]]", "![[", "](", ")", "[", "]", "[^1]", "^[", "#tag",
    "==", "~~", "<b>",
    "</b>", "<br>", "\\*", "  ", "a", "B ", "(k:: v)", "[k:: v]", "^id", "https://x.y", "\t",
    "\x00", "é",
])  # fmt: skip
_LINE = st.lists(_PIECES, max_size=14).map("".join)


@given(st.lists(_LINE, min_size=1, max_size=6))
def test_many_lines_are_made_plain_as_each_alone(lines: list[str]) -> None:
    notes = Defined({"1": "below"})
    assert inline_plain_lines(lines, notes) == [inline_plain(line, notes) for line in lines]


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
