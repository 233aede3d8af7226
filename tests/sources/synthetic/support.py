"""Files of templates, made by hypothesis: every one is valid."""

from __future__ import annotations

from typing import Any

import tomli_w
from hypothesis import strategies as st

LANGUAGES = ("en", "ro")
SLOTS = ("name", "place", "thing")
SLOT_WORDS = ("Nova", "Cluj", "Șura", "a {brace}", "[bracket|ed]", "ünïcode", "x.y")

# Letters that noise changes, and signs that mean something in the language of templates.
_WORD = st.text("abcdeăîșț ", min_size=1, max_size=8).filter(str.strip)
_SIGNS = st.sampled_from(["?", ".", " ", ", ", r"\[", r"\]", r"\{", r"\}", r"\\", "'", '"'])


@st.composite
def templates(draw: Any, *, depth: int = 2) -> str:
    """Draw a template: words, slots and nested choices without two options alike."""
    parts = [draw(_WORD)]
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["word", "sign", "slot", "choice"] if depth else ["word"]))
        if kind == "choice":
            options = draw(
                st.lists(templates(depth=depth - 1), min_size=1, max_size=3, unique=True)
            )
            if len(options) == 1 or draw(st.booleans()):
                options.append("")
            parts.append("[" + "|".join(options) + "]")
        elif kind == "slot":
            parts.append("{" + draw(st.sampled_from(SLOTS)) + "}")
        else:
            parts.append(draw(_WORD if kind == "word" else _SIGNS))
    return "".join(parts)


_VALUES = st.lists(st.sampled_from(SLOT_WORDS), min_size=1, max_size=3, unique=True)


@st.composite
def files(draw: Any) -> str:
    """Draw the text of a file of templates in English and Romanian."""

    def wording() -> dict[str, Any]:
        drawn: dict[str, Any] = {
            "question": draw(st.lists(templates(), min_size=1, max_size=3, unique=True)),
            "answer": draw(templates()),
        }
        if draw(st.booleans()):
            drawn["casual"] = draw(st.lists(templates(), min_size=1, max_size=2, unique=True))
        return drawn

    slots = {
        name: draw(_VALUES) if draw(st.booleans()) else {code: draw(_VALUES) for code in LANGUAGES}
        for name in SLOTS
    }
    topics = [
        {
            "name": f"topic {number}",
            "template": [
                {"name": f"t{index}", **{code: wording() for code in LANGUAGES}}
                for index in range(draw(st.integers(1, 3)))
            ],
        }
        for number in range(draw(st.integers(1, 3)))
    ]
    tree = {
        "format": "finetui-synthetic",
        "version": 1,
        "languages": list(LANGUAGES),
        "slots": slots,
        "topic": topics,
    }
    return tomli_w.dumps(tree)


SMALL = """\
format = "finetui-synthetic"
version = 1
languages = ["en", "ro"]

[slots]
name = "Nova"

[[topic]]
name = "who"

[[topic.template]]
name = "who"
en.question = "Who [are you|is {name}]?"
en.answer = "[I am|This is] {name}."
ro.question = "Cine [ești|este {name}]?"
ro.answer = "Sunt {name}."
"""
"""A file with two questions a language."""
