from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sources.synthetic.load import load
from engine.sources.synthetic.problems import Broken, Problem
from engine.sources.synthetic.shipped import shipped
from tests.sources.synthetic.support import SMALL, files


def problems(source: str) -> tuple[Problem, ...]:
    with pytest.raises(Broken) as caught:
        load(source)
    return caught.value.problems


def found_in(source: str) -> tuple[Problem, ...]:
    try:
        load(source)
    except Broken as broken:
        return broken.problems
    return ()


def changed(before: str, after: str) -> str:
    assert SMALL.count(before) == 1
    return SMALL.replace(before, after)


def test_a_small_file() -> None:
    book = load(SMALL)
    assert book.languages == ("en", "ro")
    assert book.topics == ("who",)
    assert {code: book.questions(code) for code in book.languages} == {"en": 2, "ro": 2}
    assert book.templates[0].line == 11


@pytest.mark.parametrize(
    ("source", "line", "code", "said"),
    [
        (changed("is {name}]?", "is {nmae}]?"), 13, "unknown-slot", "did you mean name?"),
        (changed("is {name}]?", "is {zzz}]?"), 13, "unknown-slot", "there are: name"),
        (changed("is {name}]?", "is {name.first}]?"), 13, "unknown-slot", "{name.first}"),
        (changed('name = "Nova"\n', ""), 12, "unknown-slot", "add it under [slots]"),
        (changed("Who [are", "Who [[are"), 13, "open-choice", "close it with ]"),
        (changed("[are you|is {name}]", "[]"), 13, "empty-choice", "nothing to choose"),
        (changed("[are you|is {name}]", "[are||is]"), 13, "empty-choice", "take one | out"),
        (changed("Who [are you|is {name}]?", "[Who|]"), 13, "empty-choice", "come out empty"),
        (changed('"Who [are you|is {name}]?"', "[]"), 13, "empty-choice", "at least one"),
        (changed('"Who [are you|is {name}]?"', '["", "x"]'), 13, "empty-choice", "fill it"),
        (changed('"Who [are you|is {name}]?"', '["x", "x"]'), 13, "same-option", "'x'"),
        (changed('"Who [are you|is {name}]?"', "7"), 13, "wrong-type", "must be a text"),
        (changed("Who [are", "[a|b]" * 21 + "["), 13, "too-many", "1,000,000"),
        (changed("Who [are", "[a|b]" * 999 + "["), 13, "too-many", "quadrillion"),
        (changed("Who ", "[a|" * 9 + "b" + "]" * 9), 13, "too-deep", "8 deep"),
        (changed("ro.question", "de.question"), 15, "unknown-key", "add it to languages"),
        (changed("en.question", "en.qestion"), 13, "unknown-key", "did you mean question?"),
        (changed("[[topic]]", "[[topics]]\n[[topic]]"), 8, "unknown-key", "did you mean topic?"),
        (changed("[[topic]]", "[topic]"), 8, "wrong-type", "write [[topic]]"),
        (changed('"ro"]', '"ro", "fr"]'), 11, "missing-language", "add fr.question"),
        (changed('"ro"]', '"ro", "de"]'), 11, "missing-language", "add de.question"),
        (changed('"ro"]', '"ro", "Romanian"]'), 3, "unknown-language", "code of a language"),
        (changed('"ro"]', '"ro", "ro"]'), 3, "same-name", "twice"),
        (changed('languages = ["en", "ro"]', ""), 1, "missing-language", "no languages"),
        (changed('"Nova"', '{ en = "Nova" }'), 6, "missing-language", 'add ro = "…"'),
        (changed('"Nova"', '{ en = "a", ro = "b", fr = "c" }'), 6, "unknown-language", "fr"),
        (changed('"Nova"', "3"), 6, "wrong-type", "must be a text"),
        (changed('"Nova"', '" "'), 6, "empty-choice", "fill it"),
        (changed('name = "Nova"', '"na me" = "Nova"'), 6, "wrong-name", "digits and _"),
        (changed('en.answer = "[I am|This is] {name}."\n', ""), 13, "missing-key", "answer"),
        (changed('name = "who"\nen', 'name = "?"\nen'), 12, "wrong-name", "needs a name"),
        (changed('"finetui-synthetic"', '"other"'), 1, "unknown-format", "must be"),
        (changed("version = 1", "version = 2"), 2, "unknown-format", "version 1"),
        (SMALL + "\n[[topic]]\nname = 'who'\ntemplate = []\n", 19, "same-name", "called who"),
        (SMALL + "\n[[topic]]\nname = 'empty'\n", 18, "no-template", "[[topic.template]]"),
        (changed('languages = ["en", "ro"]', "languages = ["), 5, "toml-syntax", "column"),
        (SMALL + 'broken = "', 17, "toml-syntax", ""),
        ("a = " + "[" * 100_000, 1, "toml-syntax", "too deeply"),
        ("a = 1" + "0" * 5000, 1, "toml-syntax", ""),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_mistakes_are_named_with_line_and_hint(
    source: str, line: int, code: str, said: str
) -> None:
    found = problems(source)
    match = [problem for problem in found if problem.code == code]
    assert match, found
    assert match[0].line == line, found
    assert said in match[0].reason


RECORDS = """\
[[slots.maker]]
name = "Claude"
by = "Anthropic"
[[slots.maker]]
name = "Mistral"
by = { en = "Mistral AI", ro = "Mistral AI" }
"""


def test_a_slot_may_be_a_table_and_its_fields_belong_together() -> None:
    source = SMALL.replace("[[topic]]", RECORDS + "\n[[topic]]").replace(
        "is {name}]?", "makes {maker.name}]?"
    )
    book = load(source)
    assert book.questions("en") == 4
    (bare,) = {p.code for p in problems(source.replace("{maker.name}", "{maker}"))}
    assert bare == "unknown-slot"
    assert "maker" in problems(source.replace("{maker.name}", "{maker.nam}"))[0].reason
    missing = problems(source.replace('by = "Anthropic"\n', ""))
    assert [(p.code, p.line) for p in missing] == [("missing-field", 8)]
    mixed = problems(SMALL.replace('"Nova"', '["a", { b = "c" }]'))
    assert "wrong-type" in {problem.code for problem in mixed}


def test_all_mistakes_are_told_at_once_in_the_files_order() -> None:
    source = changed("[are you|is {name}]", "[a").replace("Sunt {name}", "Sunt {nam}")
    source = source.replace("This is] {name}", "This is] {name} {x} {y}")
    assert [(p.line, p.code) for p in problems(source)] == [
        (13, "open-choice"), (14, "unknown-slot"), (14, "unknown-slot"), (16, "unknown-slot"),
    ]  # fmt: skip


def test_the_line_inside_of_a_long_text() -> None:
    source = changed('"Sunt {name}."', '"""\nUnu \\\n  doi\n\ntrei {nume}"""')
    (problem,) = problems(source)
    assert (problem.line, problem.code) == (20, "unknown-slot")


def test_the_shipped_file_is_whole() -> None:
    book = load(shipped().read_text("utf-8"))
    assert book.languages == ("en", "ro")
    assert book.topics == (
        "identity", "rag", "transformers", "attention", "languages", "providers",
    )  # fmt: skip
    # The default count is there twice over, without noise, in each language.
    assert all(book.questions(code) > 100 for code in book.languages)


@given(files())
def test_valid_files_are_read(source: str) -> None:
    found = found_in(source)
    # The only thing that can be wrong with such a file is its size.
    assert {problem.code for problem in found} <= {"too-many"}


SHIPPED = Path(shipped()).read_text("utf-8")


@given(st.data())
def test_a_damaged_file_is_read_or_named_but_never_fails(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SHIPPED)))
    length = data.draw(st.integers(0, 40))
    inside = data.draw(st.text('[]{}|"\\\n=.# abc', max_size=8))
    source = SHIPPED[:start] + inside + SHIPPED[start + length :]
    lines = source.count("\n") + 1
    for problem in found_in(source):
        assert 1 <= problem.line <= lines
        assert problem.message
        assert problem.code
