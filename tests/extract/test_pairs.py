from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.extract.notes import extract_note
from engine.extract.pairs import find_pairs, is_deck
from engine.models import Document

ANSWER = "It depends on the weather and on the rope."


def _found(text: str, *, deck: bool = False) -> list[tuple[str, str]]:
    return [(pair.question, pair.answer) for pair in find_pairs(text.split("\n"), deck=deck)]


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("Q: Is it safe?\nA: Yes.", ("Is it safe?", "Yes.")),
        ("**Q:** Is it safe?\n**A:** Yes.", ("Is it safe?", "Yes.")),
        ("**Q: Is it safe?**\n\nA: Yes.", ("Is it safe?", "Yes.")),
        ("Q1. Is it safe?\nA1. Yes.", ("Is it safe?", "Yes.")),
        ("- Q: Is it safe?\n- A: Yes.", ("Is it safe?", "Yes.")),
        ("Question 2: Is it\nreally safe?\nAnswer 2: Yes.", ("Is it really safe?", "Yes.")),
        ("Frage: Hält das Seil?\nAntwort: Ja.", ("Hält das Seil?", "Ja.")),
        ("F: Hält das Seil?\nA: Ja.", ("Hält das Seil?", "Ja.")),
        ("Întrebare: Ține funia?\nRăspuns: Da.", ("Ține funia?", "Da.")),
        ("Î: Ține funia?\nR: Da.", ("Ține funia?", "Da.")),
        ("Front: a loop that holds\nBack: bowline", ("a loop that holds", "bowline")),
        ("What holds a boat?::A hitch.", ("What holds a boat?", "A hitch.")),
        ("What holds a boat? ::: A hitch.", ("What holds a boat?", "A hitch.")),
        ("What holds\na boat\n?\nA hitch.", ("What holds a boat", "A hitch.")),
        ("Holding a boat #card\nA hitch.", ("Holding a boat", "A hitch.")),
        ("- Holding a boat #flashcard/sea\n  - A hitch.", ("Holding a boat", "A hitch.")),
        (f"<details><summary>Is it safe?</summary>\n\n{ANSWER}\n</details>", ("Is it safe?",
        ANSWER)),
        (f"<details><summary>Is it safe?</summary>{ANSWER}</details>", ("Is it safe?", ANSWER)),
        (f"**Is it safe?**\n{ANSWER}", ("Is it safe?", ANSWER)),
        (f"**Is it safe?** {ANSWER}", ("Is it safe?", ANSWER)),
        (f"1. **Is it safe?**\n   {ANSWER}", ("Is it safe?", ANSWER)),
        (f"- Is it safe?\n  - {ANSWER}", ("Is it safe?", ANSWER)),
        (f"> [!faq]- Is it safe?\n> {ANSWER}", ("Is it safe?", ANSWER)),
    ],
)  # fmt: skip
def test_pairs(text: str, pair: tuple[str, str]) -> None:
    assert _found(text) == [pair]
    # Whatever stands around it: the same pair, some lines further down.
    (moved,) = find_pairs(f"Before.\n\n{text}\n\nAfter.".split("\n"))
    assert moved.question == pair[0]
    assert moved.start == 2


@pytest.mark.parametrize(
    "text",
    [
        "Is it safe? I think so.",
        "Q: Is it safe?",
        "A: Yes.",
        "Q: Is it safe?\nQ: Is it dear?",
        "mood:: good\nstd::vector",
        "`a?::b`",
        "```\nQ: x y\nA: z\n```",
        "- Is it safe?\n  - [[Rope]]\n  - [here](https://example.org)",
        "- [ ] Is it safe?\n  - ask about the rope again",
        "- Is it safe?\n- Is it dear?",
        "- Why?\n  - How?\n  - When?",
        "**Is it safe?**",
        "**Is it safe?**\n[[Rope]]",
        "<details><summary>More</summary>\n\ntext and more of it\n</details>",
        "<details><summary>Is it safe?</summary>\n\nnever closed",
        "> Q: Is it safe?\n> A: Yes.",
        "> [!quote] Is it safe?\n> He asked and nobody answered him.",
        "Nothing asks here. #card",
        "",
    ],
)
def test_what_is_no_pair(text: str) -> None:
    assert _found(text) == []


def test_words_and_meanings_are_cards_where_the_note_is_a_deck() -> None:
    assert _found("bowline::a loop") == []
    assert _found("bowline::a loop", deck=True) == [("bowline", "a loop")]
    assert is_deck(("work", "flashcards/knots"))
    assert not is_deck(("flash",))


def test_answers_end_where_the_next_question_begins() -> None:
    text = (
        "Q: First thing?\nA: One.\n\nStill one.\n\nQ: Second thing?\nA: Two.\n- and a half\n\n"
        "- and more\n\nSomething else."
    )
    assert _found(text) == [
        ("First thing?", "One.\n\nStill one."),
        ("Second thing?", "Two.\n\n- and a half\n- and more"),
    ]
    bold = f"**Is it safe?**\n\n{ANSWER}\n\n{ANSWER}\n\n**Is it dear?**\n{ANSWER}"
    assert _found(bold) == [("Is it safe?", f"{ANSWER}\n\n{ANSWER}"), ("Is it dear?", ANSWER)]


_PIECES = st.sampled_from([
    "Q: ", "A: ", "**", "?", "::", "\n", "\n\n", "- ", "  - ", "> ", "[!faq] ", "#card", "```\n",
    "<details>",
    "<summary>", "</summary>", "</details>", "[[x]]", "Why not", "words of an answer ", "---\n",
    "\u2029",
])  # fmt: skip


@given(st.lists(_PIECES | st.text(max_size=5), max_size=50).map("".join), st.booleans())
def test_pairs_follow_each_other_and_their_words_are_the_note_s(text: str, deck: bool) -> None:
    lines = text.split("\n")
    last = 0
    for pair in find_pairs(lines, deck=deck):
        assert last <= pair.start < pair.end <= len(lines)
        last = pair.end
        assert pair.question.strip()
        assert pair.answer.strip()
        assert 0 < pair.weight <= 1
        source = re.sub(r"</?(?:details|summary)>", "", "".join(lines[pair.start : pair.end]))
        source = "".join(filter(str.isalnum, source))
        for word in (pair.question + " " + pair.answer).split():
            assert "".join(filter(str.isalnum, word)) in source


def test_hostile_texts_take_linear_time() -> None:
    # Quadratic work on this much would not end in the lifetime of a test run.
    find_pairs(["<summary>a?</summary>"] * 50_000)
    find_pairs(["a b #card"] * 50_000)
    find_pairs(["Q: a b"] * 50_000)
    find_pairs(["**a b?**"] * 50_000)
    find_pairs(["a", *["?"] * 50_000])


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        (
            "Q: Что вернет вызов\nметода .offer()?\n```java\nq.add('a');\n\nq.offer('b');\n```\n"
            "A: Он вернет false и `'b'` не будет вставлено в очередь.",
            "Что вернет вызов метода .offer()?\n\n```java\nq.add('a');\n\nq.offer('b');\n```",
            "Он вернет false и `'b'` не будет вставлено в очередь.",
        ),
        (
            "- **Q:** What does it print?\n  ```py\n  for x in y:\n      A: int = 1\n  ```\n"
            "  A: Nothing at all.",
            "What does it print?\n\n```py\nfor x in y:\n    A: int = 1\n```",
            "Nothing at all.",
        ),
        (
            "Q: Which of them is right?\n- the first\n- the second\nA: Neither of them is right.",
            "Which of them is right?\n\n- the first\n- the second",
            "Neither of them is right.",
        ),
        (
            "Given this:\n~~~\na = 1\n?\n~~~\nWhat is a?\n?\nOne",
            "Given this:\n\n~~~\na = 1\n?\n~~~\n\nWhat is a?",
            "One",
        ),
        (
            "Q: What comes out?\n```\n" + "line\n" * 20 + "```\nA: Twenty lines come out.",
            "What comes out?\n\n```\n" + "line\n" * 20 + "```",
            "Twenty lines come out.",
        ),
    ],
    ids=["fenced", "in-a-list", "choices", "card", "long"],
)
def test_code_in_a_question_keeps_its_lines(text: str, question: str, answer: str) -> None:
    document = Document("s", "n.md", "n", "b2-0", text=text, tags=("flashcards",))
    (example,) = extract_note(document, {"qa"})
    assert [turn.content for turn in example.turns] == [question, answer]


@pytest.mark.parametrize("hidden", ["\u200b", "\u2060\ufeff \u00ad", "\u3164\u2800", "\U000e0041"])
def test_an_answer_that_nobody_sees_is_none(hidden: str) -> None:
    assert find_pairs([f"capital of France::{hidden}"], deck=True) == []
    assert find_pairs(["Q: What is it then?", f"A: {hidden} {hidden}"]) == []
