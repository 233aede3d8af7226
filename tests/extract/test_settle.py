"""What stands in the middle of an answer stays, and nothing is announced that does not come."""

from __future__ import annotations

import pytest

from engine.extract.notes import extract_note
from engine.models import Document

_LEAD = (
    "I learned a good deal this week about what tires me, and I should have noticed it much "
    "earlier than I did, since it was all there."
)
_END = "That is all, and I am glad that I wrote it down before it was gone again."


def _answer(middle: str, end: str = f"\n\n{_END}") -> str:
    text = f"## Reflection\n\n{_LEAD} {middle}{end}"
    (example,) = extract_note(Document("s", "n.md", "n", "b2-0", text=text), {"thoughts"})
    return example.turns[1].content.removeprefix(_LEAD).strip()


@pytest.mark.parametrize(
    ("middle", "kept"),
    [
        ("Three things:\n\n| a | b |\n|---|---|\n| 1 | 2 |", "Three things:\n\na | b\n1 | 2"),
        ("Three things:\n\na | b\n---|---\n1 | 2", "Three things:\n\na | b\n1 | 2"),
        ("\n\n| a | b |\n|---|---|\n| 1 | 2 |", "a | b\n1 | 2"),
        (
            "So:\n- [x] I said no ✅ 2024-01-01\n  * [/] and meant it ⏫ 📅 2024-01-02\n"
            "- [ ] #task call",
            "So:\n\n- I said no\n  - and meant it\n- call",
        ),
        ("So:\n\n- one\n- [ ] two\n- three", "So:\n\n- one\n- two\n- three"),
        ("So:\n\n![[cover.png]]\n\n- one", "So:\n\n- one"),
        ("So:\n\n```python\nx = 1\n```", "So:\n\n```python\nx = 1\n```"),
    ],
)
def test_tables_and_tasks_stay_where_they_stand(middle: str, kept: str) -> None:
    assert _answer(middle) == f"{kept}\n\n{_END}"
    announced = not middle.startswith("\n")
    assert _answer(middle, "") == (kept if announced else "")


@pytest.mark.parametrize(
    "shown",
    [
        "![[sketch.png]]",
        "![a sketch](sketch.png)",
        '<img src="sketch.png">',
        "```dataview\nTABLE file.name\n```",
        "```mermaid\ngraph TD\n```",
        "mood:: good",
        "https://example.org/sketch",
        "",
    ],
)
def test_what_announces_no_text_goes_with_it(shown: str) -> None:
    assert _answer(f"Here is how it looks:\n\n{shown}", "") == ""
    if shown:
        assert _answer(f"Here is how it looks:\n\n{shown}") == _END
        assert _answer(f"Here is how it looks: {shown}" if shown[0] in "!<" else "") == _END


def test_tasks_and_tables_at_the_ends_stay_out() -> None:
    assert _answer("\n\n- [ ] call\n\n| a | b |\n|---|---|\n| 1 | 2 |", "") == ""
    text = f"## Reflection\n\n- [ ] call\n\n{_LEAD} {_END}"
    (example,) = extract_note(Document("s", "n.md", "n", "b2-0", text=text), {"thoughts"})
    assert example.turns[1].content == f"{_LEAD} {_END}"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("I danced :smile: :tada:", "I danced :smile: :tada:"),
        ("It all begins with std::", "It all begins with std::"),
        ("开心:smile:", "开心:smile:"),
        ("Look at the ratio 1:2:", ""),
        (
            "I remember her garden and the way she said my name, and I have one thing of hers:",
            "I remember her garden and the way she said my name, and I have one thing of hers.",
        ),
    ],
)
def test_a_colon_ends_what_only_announces(said: str, kept: str) -> None:
    assert _answer(said, "") == kept
    assert _answer(f"{said}\n\n![[ring.png]]") == f"{kept}\n\n{_END}".strip()
