"""Code and quotations as CommonMark takes them, against markdown-it-py, and what hides in pages."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from engine.extract.pairs import find_pairs
from engine.sources.blocks import blocks, plain
from engine.sources.markdown import code_lines

_PEER = MarkdownIt("commonmark")
_LINES = st.sampled_from([
    "", "", "some text", "    x = a**b", "        deeper", "\ty = _z_", "  \tz", "  more", "# H",
    "- item", "1. one", "1.  ten", "  - inner", "> said", "***", "```",
])  # fmt: skip


@given(st.lists(_LINES, min_size=1, max_size=9))
@example(["- item", "", "      x = a**b", "", "  more", "", "    x = a**b"])
@example(["some text", "    x = a**b", "", "    x = a**b", "", "        deeper", "some text"])
def test_indented_code_is_what_commonmark_takes_for_some(lines: list[str]) -> None:
    expected: set[int] = set()
    for token in _PEER.parse("\n".join(lines)):
        if token.map and token.type in ("code_block", "fence"):
            expected.update(range(*token.map))
    found = code_lines(lines)
    for number, line in enumerate(lines):
        if line:
            assert found[number] == (number in expected), (number, lines)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("So:\n\n    x = a**b\n\n    if x:\n        _y_\n\nend", None),
        ("- so:\n\n      run __main__\n\nend", None),
        # Outliners indent the first level.
        ("## H\n\t- one\n\t- two", "## H\n\n    - one\n    - two"),
        ("[^1]: note\n\n    goes on\n\nend[^1]", "end (note)"),
        ("a\n\n<script>\nlet a = 1;\n\n    b()\n</script>\n\nb<style>p {}</style>", "a\n\nb"),
        ("`<style>` and `</style>` stay", None),
        (
            '{{< figure src="a.png" >}}\nSo {% include a.html %}it {{% b %}}is{{% /b %}}.',
            "So it is.",
        ),
        ("{% highlight rb %}\n a **b**\n{% endhighlight %}", "```rb\n a **b**\n```"),
        ("`{% raw %}` and {{ page.url }}", None),
        ("He left.\nPS:: I love it.\nmood:: good", "He left.\nI love it."),
    ],
)
def test_texts_of_pages(text: str, shown: str | None) -> None:
    assert plain(text) == (shown or text)


@given(
    st.lists(
        st.sampled_from(["> said", "> - an item", "> # H", "I say", "", "# H", "- item", "***"]),
        max_size=7,
    )
)
@example(["> said", "I say", "I say", "", "I say"])
def test_lines_without_the_mark_go_on_with_a_quotation(lines: list[str]) -> None:
    quoted: set[int] = set()
    for token in _PEER.parse("\n".join(lines)):
        if token.type == "blockquote_open" and token.map:
            quoted.update(range(*token.map))
    for block in blocks(lines):
        for number in range(block.line, block.line + len(block.lines)):
            if lines[number] == "I say" and block.kind in ("prose", "quote"):
                before = lines[number - 1] if number else ""
                if before != "> - an item":
                    assert (block.kind == "quote") == (number in quoted), lines


_CODE = "    for i in x:\n        print(i)"


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        (f"Q: What is this?\n\n{_CODE}\n\nA: A loop", [("What is this?", "A loop", _CODE)]),
        (f"Q: What loops?\nA:\n\n{_CODE}\n\nend", [("What loops?", _CODE, "")]),
        (
            "```py\nx = 1\n\ny = 2\n```\nWhat is x?\n?\nOne.",
            [("```py\nx = 1\n\ny = 2\n```\n\nWhat is x?", "One.", "")],
        ),
        (
            "- A pot #card\n\n\t- of clay\n- A kiln #card\n\t- hot\n\t- dry\n- just a line",
            [("A pot", "of clay", ""), ("A kiln", "- hot\n- dry", "")],
        ),
        ("- Clay is wet #card\n- [x] write to Peter", []),
    ],
)
def test_cards_keep_their_code_and_not_their_neighbours(
    text: str, pairs: list[tuple[str, str, str]]
) -> None:
    found = find_pairs(text.split("\n"))
    assert [(pair.question, pair.answer, pair.attached) for pair in found] == pairs
