"""Inline marks against markdown-it-py, which reads CommonMark by another hand."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from engine.sources.htmltags import ELEMENTS
from engine.sources.inline import Defined, inline_plain, inline_plain_lines

_PEER = MarkdownIt("commonmark").enable("strikethrough")
_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)")
_REFERENCE = {"references": {"R": {"href": "/r", "title": ""}}}
_DEFINED = Defined(links=frozenset({"r"}))
_PIECES = (
    *("*", "**", "***", "_", "__", "`", "``", "~~", "[", "]", "](/u)", '](<u v> "t")', "][r]"),
    *("[r]", "![", "(", ")", "<", "<https://x.y/z>", "<a@b.c>", "<b>", "</b>", "<br />", "<name>"),
    *('<i class="x">', "\\", "\\\n", "&amp;", "&copy;", "&#42;", "&", "&lt", '"', " ", " ", "\n"),
    *("a", "word", "é", "!", ".", "“", "—", "1"),
)
# What Obsidian adds, and where the peer and CommonMark's own implementation differ.
_OTHER = re.compile(r"\[\[|~~~|\\[(\[]|\[[^\[\]]*\]\($")


def _shown(tokens: Sequence[Token]) -> str:
    """Return what the peer's tokens show: no pictures, nothing struck out, code with its marks."""
    shown: list[str] = []
    struck = 0
    for token in tokens:
        struck += {"s_open": 1, "s_close": -1}.get(token.type, 0)
        if struck or token.type == "image":
            continue
        if token.type == "code_inline":
            shown.append(f"{token.markup}{token.content}{token.markup}")
        elif token.type in ("softbreak", "hardbreak"):
            shown.append("\n")
        elif token.type == "html_inline":
            name = _NAME.match(token.content)
            # A name that no browser knows is a word of the author's.
            shown.append(token.content if name and name[1] not in ELEMENTS else "")
        else:
            shown.append(token.content)
    return "".join(shown)


def _ours(text: str) -> str:
    lines = text.split("\n")
    return "\n".join(inline_plain_lines(lines, _DEFINED, [False] + [True] * (len(lines) - 1)))


def _joined(text: str) -> str:
    return "".join(text.split())


@given(st.lists(st.sampled_from(_PIECES), min_size=2, max_size=14).map("".join))
@settings(max_examples=400)
@example(r"\*stars\*, \`ticks\` and \\ itself, but C:\Users\me")
@example("salt &amp; pepper &copy; &#8364; &nosuch; AT&T")
@example("**very *deeply* sure** and *very **deeply** sure* and ***both*** of ***one* two**")
@example("first\\\nsecond  \nthird\\")
@example("`` a ` b `` and `a ** b` and **`c`** and `open")
@example("[a [b] *c*](/u_(v)_w 'T') ![no [a](/b) *c*](/d) [r][] [r] [x][r] [x][none] [none]")
@example('snake_case_name __init__ 2*3*4 a_b_ _c_d *a*b **a**b **"a"**b')
@example("*a ~~b* c~~ **a _b** c_ <https://a.b/_c_d_e> <me@a.b> List<String> a<b>c</b>")
def test_marks_are_taken_out_as_commonmark_says(text: str) -> None:
    assume(not _OTHER.search(text.strip()))
    tokens = _PEER.parseInline(text.strip(), dict(_REFERENCE))[0].children
    assert _joined(_ours(text.strip())) == _joined(_shown(tokens or []))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"a\*b\*c \# \#tag \[x\]", "a*b*c # #tag [x]"),
        ("this is **very *deeply* sure** of it", "this is very deeply sure of it"),
        ("**这是粗体。**后面的字", "这是粗体。后面的字"),
        (
            "an ==important *thing*== here, and a == b == c",
            "an important thing here, and a == b == c",
        ),
        ("I ~~never~~ always ~~said *so*~~ did", "I always did"),
        (
            "of $a_1 * b_2$ and $$x*y*z$$ for $5 and *ten* $",
            "of $a_1 * b_2$ and $$x*y*z$$ for $5 and ten $",
        ),
        (
            r"with \(a_1 \times b_1\) whole, \(aside\) too",
            r"with \(a_1 \times b_1\) whole, (aside) too",
        ),
        ("see [[a_b|the *x*]] and **[[Mara]]** and *![[x.png]]y*", "see the *x* and Mara and y"),
        ("a [list](my file.md), [sic](as he said), [x](b.md#c d)", "a list, [sic](as he said), x"),
        ("costs &lt;5 &amp; up &#35;1 &nbsp;now", "costs <5 & up #1 \xa0now"),
        ("<td>one</td><td>two</td> <u>three</u>", "one two three"),
        ("Vec<String> and git switch <branch>", "Vec<String> and git switch <branch>"),
        ("[mood:: **grim**] and (age:: *seven*) ^[so *to* say]", "grim and seven (so to say)"),
        ("a[i][j] is a cell", "a[i][j] is a cell"),
        ("as in [#907](https://x.y/907) and #12 #done", "as in #907 and #12"),
        ("see [#one](/u)", "see #one"),
    ],
)
def test_what_notes_have_besides(text: str, expected: str) -> None:
    assert inline_plain(text, _DEFINED) == expected


def test_marks_reach_over_the_lines_of_a_paragraph() -> None:
    lines = [
        "I was **very",
        "sure** of [the",
        "place](https://example.org) and #tags",
        "of `mi",
        "ne`",
    ]
    plain = inline_plain_lines(lines, _DEFINED, [False, True, True, True, True])
    assert plain == ["I was very", "sure of the", "place and tags", "of `mi", "ne`"]
    assert inline_plain_lines(lines[:2], _DEFINED) == lines[:2]


@pytest.mark.parametrize(
    "mark",
    ["*", "_", "[", "]", "`", "~~", "==", "**a ", "[a](", "<", "![", "$", "a](<b ", "<!-- ", "\\("],
)
def test_no_text_takes_long(mark: str) -> None:
    # Quadratic work on this much would not end in the lifetime of a test run.
    assert inline_plain(f"rope {mark * 20_000}").startswith("rope")
