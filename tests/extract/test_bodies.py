"""What a note gives besides thoughts."""

from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.extract import extract
from engine.extract.notes import TAKE, TAKEN, extract_note, taken
from engine.models import Document, Example
from engine.sources.notes import parse_note
from engine.sources.vault import VaultReader

PLAIN = (
    "The library is open from nine to five and has three floors. The catalogue stands on the first "
    "floor beside the stairs, and the reading room with the long tables is on the second, under "
    "a roof of glass."
)
THOUGHT = (
    "I had put off the call for a month because I was afraid of the answer. In the end it took "
    "four minutes, and the answer was yes. I noticed that I had been more afraid of hoping than "
    "of a no."
)


def _document(text: str, path: str = "note.md") -> Document:
    note = parse_note(text, path.rpartition("/")[2].removesuffix(".md"))
    return Document(
        source_id="s",
        path=path,
        title=note.title,
        content_hash="b2-0",
        text=note.body,
        tags=note.tags,
        date=note.date,
        start_line=note.body_line,
        metadata=note.metadata,
    )


def _extract(text: str, path: str = "note.md", take: str = ",".join(TAKE)) -> list[Example]:
    return extract(_document(text, path), {"take": take})


def test_a_section_under_its_heading() -> None:
    (example,) = _extract(f"---\ndate: 2025-03-14\n---\n# Town\n\n## The library\n{PLAIN}")
    assert example.kind == "section"
    assert "library" in example.turns[0].content
    assert example.turns[1].content == PLAIN
    assert 0.2 <= example.score <= 0.45
    assert "section 'The library'" in example.reason
    assert "words of running text" in example.reason
    assert (example.provenance.start_line, example.provenance.end_line) == (6, 7)


def test_sections_score_lower_than_thoughts_and_by_what_they_are() -> None:
    long = _extract(f"## Town\n{PLAIN} {PLAIN}")[0]
    short = _extract(f"## Town\n{PLAIN}")[0]
    listed = _extract("## Town\n" + "\n".join(f"- {part}" for part in [PLAIN] * 2))[0]
    spoken = _extract(f"## Town\nI go there, and so do my friends, as I have always done. {PLAIN}")[
        0
    ]
    assert listed.score < long.score
    assert short.score < long.score
    assert short.score < spoken.score
    assert "mostly a list" in listed.reason
    assert "first person" in spoken.reason
    (thought,) = _extract(f"## Looking back\n{THOUGHT}")
    assert spoken.score <= 0.45 < thought.score


@pytest.mark.parametrize(
    "text",
    [
        f"## Log\n{PLAIN}",
        f"## Links\n{PLAIN}",
        "## Town\nToo short to be anything of use to anybody.",
        "## Town\n- bread\n- milk\n- a bag of flour\n- tea",
        f"## Town\n> {PLAIN}",
        f"## Town\n```\n{PLAIN}\n```",
        "## Town\n" + "\n".join(f"- [ ] call the office about the number {n}" for n in range(20)),
        "## Town\n"
        + "\n".join(f"- [a long name of a page number {n}](https://example.org)" for n in range(9)),
        "## Town\n" + "\n".join(f"- {n:02d}:10 walked to the mill and back" for n in range(8)),
        f"---\nsource: https://example.org/post\n---\n## Town\n{PLAIN}",
        f"---\ncategories: ['[[Clippings]]']\n---\n## Town\n{PLAIN}",
    ],
)
def test_what_is_no_section(text: str) -> None:
    assert _extract(text) == []


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (f"## Where is the library?\n{PLAIN}", "Where is the library?"),
        (f"## What do I owe the library?\n{PLAIN}", "What do I owe the library?"),
        (f"# Town\n\n## Why?\n{PLAIN}", "About “Town”: Why?"),
        (f"## What is a library\n{PLAIN}", "What is a library?"),
        (f"---\ntitle: Is there a library?\n---\n{PLAIN}", "Is there a library?"),
        (f"# Is there a library?\n{PLAIN}", "Is there a library?"),
        (
            f"## Wo ist die Bücherei?\n{PLAIN}",
            "Tell me what you wrote under “Wo ist die Bücherei?” in your note “note”.",
        ),
        (
            f"## Unde este biblioteca?\n{PLAIN}",
            "What did you write under “Unde este biblioteca?” in your note “note”?",
        ),
    ],
)
def test_a_heading_that_asks(text: str, asked: str) -> None:
    (example,) = _extract(text)
    assert (example.kind, example.turns[0].content) == ("qa", asked)
    assert example.turns[1].content == PLAIN
    assert "a heading that asks" in example.reason


@pytest.mark.parametrize(
    "text",
    [
        "## Where is the library?",
        "## Where is the library?\nSomewhere.",
        "## Where is the library?\n- [[Library]]\n- [The map of the whole old town]"
        "(https://example.org/a/long/way)\n- [[The map of the new town that I drew]]",
        "## Where is the library?\nSee also the note [[Where the libraries of the town are]].",
        f"## Where is the library?\n> {PLAIN}",
    ],
)
def test_a_heading_that_asks_without_an_answer(text: str) -> None:
    assert _extract(text) == []


def test_short_answers_below_a_heading_are_pairs_of_their_own() -> None:
    text = (
        "# Town\n\n## Questions\n\n### Is it open on Sunday?\nOnly in the winter months.\n\n"
        "### Is it warm?\nIt is warm beside the stairs.\n\n### And dear?\nNo."
    )
    examples = _extract(text)
    assert [example.turns[0].content for example in examples] == [
        "About “Town”: Is it open on Sunday?",
        "About “Town”: Is it warm?",
    ]
    assert [example.provenance.start_line for example in examples] == [5, 8]


def test_pairs_leave_the_rest_of_a_section() -> None:
    text = (
        f"## Town\n{PLAIN}\n\nQ: Is it open?\nA: Only on Monday.\n\nQ: Is it dear?\nA: It is free."
    )
    first, *pairs = _extract(text)
    assert first.kind == "section"
    assert first.turns[1].content == PLAIN
    assert [(pair.kind, pair.turns[0].content, pair.turns[1].content) for pair in pairs] == [
        ("qa", "Is it open?", "Only on Monday."),
        ("qa", "Is it dear?", "It is free."),
    ]
    assert [(p.provenance.start_line, p.provenance.end_line) for p in pairs] == [(4, 5), (7, 8)]


@pytest.mark.parametrize("heading", ["## Looking back\n\n", "## Looking back\n\n### Then\n\n"])
@pytest.mark.parametrize("between", ["\n\n", "\n"])
def test_cards_in_a_thought_are_no_part_of_it(heading: str, between: str) -> None:
    cards = "Q: Was it worth it?\nA: It was worth the wait.\n\nWhat is a pot?::A vessel"
    text = f"{heading}{THOUGHT}{between}{cards}"
    thought, *pairs = _extract(text)
    assert (thought.kind, thought.turns[1].content) == ("reflection", THOUGHT)
    assert [pair.turns[1].content for pair in pairs] == ["It was worth the wait.", "A vessel"]
    assert [e.kind for e in _extract(text, take="qa,sections")] == ["section", "qa", "qa"]
    assert _extract(text, take="thoughts") == [thought]


def test_no_two_questions_of_a_note_are_the_same() -> None:
    sections = "\n\n".join(f"## Notes\n{PLAIN} {PLAIN[: 20 + number]}" for number in range(9))
    long = "## Where is the library?\n" + "\n\n".join([PLAIN] * 40)
    for text in (f"# Town\n\n{sections}", long):
        asked = [example.turns[0].content for example in _extract(text)]
        assert len(asked) > 2
        assert len(set(asked)) == len(asked)


def test_wording_varies_between_notes() -> None:
    asked = {_extract(f"## The library\n{PLAIN} {n}.")[0].turns[0].content for n in range(60)}
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "## Die Hecke\nDie Hecke wird im Februar geschnitten, weil dann der Saft noch unten "
            "ist und die Vögel noch nicht bauen. Man schneidet sie unten breiter als oben, damit "
            "auch die unteren Zweige noch Licht bekommen und nicht kahl werden.",
            ("„Die Hecke“", "du", "dein", "mir", "man", "Schreib", "Fass", "Erklär"),
        ),
        (
            "## Gardul viu\nGardul viu se taie în februarie, pentru că atunci seva este încă jos "
            "și păsările nu și-au făcut cuib. Se taie mai lat la bază decât la vârf, ca să ajungă "
            "lumina și la crengile de jos.",
            ("„Gardul viu”", "Ce", "Spune", "Cum", "Scrie", "Explică", "Rezumă"),
        ),
    ],
)
def test_other_languages_ask_in_their_own(text: str, words: tuple[str, ...]) -> None:
    (example,) = _extract(text)
    asked = example.turns[0].content
    assert words[0] in asked
    assert any(word in asked for word in words[1:])


def test_a_language_without_a_table_is_asked_by_the_title_alone() -> None:
    text = (
        "## Biblioteka miejska\nOtwiera o dziewiątej i zamyka, gdy ostatni czytelnik wraca do "
        "domu, co rzadko zdarza się przed północą. Nikt nie wie, kto ma klucze, ale każdy "
        "zna kogoś, kto twierdzi, że trzyma je od dawna, i kto chętnie o tym opowiada."
    )
    (example,) = _extract(text)
    assert example.turns[0].content == "Biblioteka miejska"


def test_the_nearest_heading_that_says_something_is_asked_for() -> None:
    (example,) = _extract(f"# Places\n\n## The library\n\n### Overview\n{PLAIN}")
    assert "library" in example.turns[0].content


def test_what_is_taken_can_be_chosen() -> None:
    text = f"## Looking back\n{THOUGHT}\n\n## Where is it?\n{PLAIN}\n\n## The library\n{PLAIN}"
    kinds = ["reflection", "qa", "section"]
    assert [e.kind for e in _extract(text)] == kinds
    assert [e.kind for e in _extract(text, take="thoughts, qa")] == kinds[:2]
    assert [e.kind for e in _extract(text, take="thoughts")] == kinds[:1]
    # Without pairs a heading that asks is a heading like another.
    sections = [e.kind for e in _extract(text, take="sections,thoughts")]
    assert sections == ["reflection", "section", "section"]
    assert [e.kind for e in _extract(text, take="qa")] == ["qa"]
    assert [e.kind for e in extract(_document(text, "note.md"))] == kinds[:2]
    assert taken({}) == frozenset(TAKEN)
    with pytest.raises(UsageError):
        taken({"take": "thoughts,poems"})


def test_thoughts_are_the_same_whatever_else_is_taken() -> None:
    text = f"## Looking back\n{THOUGHT}\n\n## Where?\n{PLAIN}\n\n## What I learned\n{PLAIN}"
    document = _document(text)
    thoughts = extract_note(document, ("thoughts",))
    everything = extract_note(document)
    assert thoughts
    assert [e for e in everything if e.kind not in ("qa", "section")] == thoughts


def test_the_option_has_every_choice() -> None:
    (option,) = (option for option in VaultReader.options if option.name == "take")
    assert option.default in option.choices
    for choice in option.choices:
        assert taken({"take": choice}) <= frozenset(TAKE)


def test_the_note_s_language_is_asked_in_where_the_heading_is_in_it() -> None:
    chinese = (
        "今天我在家里整理工具，觉得有些小技巧值得记下来，因为以后还会用到它们，也希望自己不会忘记。"
    )
    english = (
        "Press the key to select all of the text and then insert a cursor at the end of each line. "
        * 4
    )
    found = _extract(f"# 工具\n\n{chinese}{chinese}\n\n## 每一行都添加\n\n{english}", "工具.md")
    assert "这一节里" in found[-1].turns[0].content


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("# What is thought?\n\n\u200b", 1, "not-own"),
        ("# Who is there?\n\n![[a.png]]", 1, "not-own"),
        ("![a](a.png)", 1, "not-own"),
        (f"# Who?\n\n{PLAIN}\n\nWhat is it?::\u200b", 5, "no-answer"),
        (f"# Who?\n\n{PLAIN}\n\nWhat is it?::", 5, "no-answer"),
    ],
)
def test_what_says_nothing_is_listed(text: str, line: int, code: str) -> None:
    told: list[tuple[int, str]] = []
    extract_note(_document(text), TAKE, lambda line, code, _: told.append((line, code)))
    assert told == [(line, code)]
