from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compose.endpoint import Endpoint
from engine.compose.expand import STALLED, Step, expand, file_of
from engine.compose.harvest import Rejected, Sieve, harvest
from engine.compose.rouge import rouge_l, tokens
from engine.compose.seeds import Pair, approved_seeds, by_language, seeds_of_file
from engine.curate import Curator
from engine.errors import ComposeError, EndpointUnreachable, UsageError
from engine.extract import extract
from engine.models import Skipped
from engine.sources import read
from engine.sources.synthetic.draw import Draw
from engine.workspace import Workspace
from tests.compose.server import Answer, Reply, Request, failure, in_turn, serving
from tests.support.datasets import examples

SEEDS = {
    "en": [
        Pair("What is a winch made of?", "A drum, a rope and a brake that you can trust.", "en"),
        Pair("How do I oil a hinge?", "Take the pin out, wipe it and oil it thinly.", "en"),
        Pair("When is the ferry full?", "On Sundays, when the market is over.", "en"),
    ],
    "ro": [
        Pair("Din ce este făcut un troliu?", "Dintr-un tambur, o frânghie și o frână.", "ro"),
        Pair("Cum se unge o balama?", "Scoți știftul, îl ștergi și îl ungi subțire.", "ro"),
        Pair("Când este plin feribotul?", "Duminica, după ce se termină piața.", "ro"),
    ],
}
ENGLISH = """copper slate willow amber gravel thistle marble saffron cobalt juniper walnut flint
    candle anchor barley cedar dagger ember falcon garnet hazel ivory jasper kettle linen magpie"""
ROMANIAN = """arama ardezia salcia chihlimbarul pietrisul scaietele marmura sofranul cobaltul nucul
    ienuparul cremenea candela ancora orzul cedrul pumnalul jarul soimul granatul alunul fildesul
    jaspul ibricul inul cotofana"""


def example(language: str, number: int) -> str:
    """Return a new example as a model writes it; no two are alike."""
    draw = Draw("example", language, number)
    words = ENGLISH if language == "en" else ROMANIAN
    a, b, c, d, e, f = draw.shuffled(words.split())[:6]
    if language == "en":
        asked, said = f"Would {a} {b} {c} {d} {e} be the {f}?", f"It would, with {c} and {a}."
        return f"Question: {asked}\nAnswer: {said} The number is {number}.\n###"
    asked, said = f"Ce fac {a} {b} {c} {d} {e} la {f}?", f"Stau cu {c} și nu cu {a}."
    return f"Întrebare: {asked}\nRăspuns: {said} Este numărul {number}.\n###"


def writes(each: int = 4) -> Answer:
    """Return a model that writes so many examples in the language that it is asked for."""
    numbers = itertools.count()

    def answer(request: Request) -> str:
        language = "en" if "English" in request.last else "ro"
        return "\n".join(example(language, next(numbers)) for _ in range(each))

    return answer


def run(url: str, out: Path, count: int, **how: Any) -> list[Step]:
    seeds = how.pop("seeds", SEEDS)
    with Endpoint(url, "big-one", sleep=lambda _: None) as writer:
        there, *steps = expand(writer, seeds, out, count=count, **how)
    assert (there.request, there.taken) == (-1, ())
    return steps


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_file_of_examples_that_is_a_source(tmp_path: Path) -> None:
    out = tmp_path / "more.jsonl"
    with serving(writes()) as server:
        steps = run(server.url, out, 10)
    assert steps[-1].total == 10
    written = rows(out)
    assert len(written) == 10
    assert written[3]["metadata"] == {
        "type": "synthetic",
        "method": "self-instruct",
        "model": "big-one",
        "language": "en",
        "seed": 0,
        "request": 0,
        "index": 3,
    }
    # It is read as any file of instructions is.
    skipped: list[Skipped] = []
    documents = list(read("instructions", out, on_skip=skipped.append))
    assert skipped == []
    found = [example for document in documents for example in extract(document)]
    assert len({item.id for item in found}) == 10
    for item in found:
        assert item.metadata["type"] == "synthetic"
        assert item.metadata["method"] == "self-instruct"
        assert item.metadata["model"] == "big-one"


def test_languages_are_balanced(tmp_path: Path) -> None:
    out = tmp_path / "more.jsonl"
    with serving(writes(each=3)) as server:
        run(server.url, out, 24)
    counts = Counter(row["metadata"]["language"] for row in rows(out))
    assert counts == {"en": 12, "ro": 12}


def test_the_model_sees_examples_of_its_language_and_of_its_own(tmp_path: Path) -> None:
    with serving(writes()) as server:
        run(server.url, tmp_path / "more.jsonl", 24)
    first, *_, last = server.requests
    assert [m["role"] for m in first.messages] == [
        "system", *["user", "assistant"] * 3, "user",
    ]  # fmt: skip
    shown = {m["content"] for m in first.messages if m["role"] == "assistant"}
    assert shown == {f"Question: {p.question}\nAnswer: {p.answer}\n###" for p in SEEDS["en"]}
    own = [m["content"] for m in last.messages if m["role"] == "assistant"]
    assert len(own) == 5
    assert sum("Ce fac " in text for text in own) == 2
    assert (
        first.messages[-1]["content"]
        == "Write 4 new examples in English, each about something else."
    )


def test_stopping_and_going_on_gives_the_same_number_without_repeats(tmp_path: Path) -> None:
    out = tmp_path / "more.jsonl"
    with serving(writes()) as server:
        with Endpoint(server.url, "big-one") as writer:
            steps = expand(writer, SEEDS, out, count=30)
            for _ in range(4):
                next(steps)
            steps.close()
        before = rows(out)
        assert len(before) == 12
        run(server.url, out, 30)
    after = rows(out)
    assert after[:12] == before
    assert len(after) == 30
    assert [row["metadata"]["index"] for row in after] == list(range(30))
    assert after[12]["metadata"]["request"] == 3
    assert len({row["messages"][0]["content"] for row in after}) == 30


def test_a_torn_row_is_written_anew(tmp_path: Path) -> None:
    out = tmp_path / "more.jsonl"
    with serving(writes()) as server:
        run(server.url, out, 8)
        out.write_bytes(out.read_bytes()[:-20])
        run(server.url, out, 8)
    assert len(rows(out)) == 8


def test_a_finished_file_asks_nobody(tmp_path: Path) -> None:
    out = tmp_path / "more.jsonl"
    with serving(writes()) as server:
        run(server.url, out, 4)
        asked = len(server.requests)
        assert run(server.url, out, 4) == []
    assert len(server.requests) == asked


def test_a_model_that_repeats_itself_is_stopped(tmp_path: Path) -> None:
    with serving(in_turn(example("en", 1))) as server:
        steps = run(server.url, tmp_path / "more.jsonl", 50, seeds={"en": SEEDS["en"]})
    assert len(steps) == 1 + STALLED
    assert [step.stalled for step in steps] == [False] * STALLED + [True]
    assert steps[-1].total == 1
    assert steps[-1].rejected[0].code == "same-answer"


def test_an_error_keeps_what_was_written(tmp_path: Path) -> None:
    out = tmp_path / "more.jsonl"
    answers = in_turn(example("en", 1), Reply(behaviour="break"))
    with serving(answers) as server, pytest.raises(EndpointUnreachable):
        run(server.url, out, 50)
    assert len(rows(out)) == 1


def test_a_prompt_that_is_too_long_is_made_shorter(tmp_path: Path) -> None:
    seeds = [Pair(f"Question {n} of what?", f"Answer {n}.", "en") for n in range(20)]
    long = failure(400, "too long", code="context_length_exceeded")
    with serving(in_turn(long, long, example("en", 1))) as server:
        steps = run(server.url, tmp_path / "more.jsonl", 1, seeds={"en": seeds})
    assert [step.rejected[0].code for step in steps[:2]] == ["prompt-too-long"] * 2
    assert [len(request.messages) for request in server.requests] == [18, 10, 6]


def test_nothing_of_a_seeds_text_can_break_the_form(tmp_path: Path) -> None:
    seeds = [*SEEDS["en"], Pair("What is ### in Markdown?", "### is a heading {count}.", "en")]
    seeds.append(Pair("What is {count}?", "A name in braces, {question}.", "en"))
    with serving(writes()) as server:
        run(server.url, tmp_path / "more.jsonl", 4, seeds={"en": seeds})
    shown = "".join(message["content"] for message in server.requests[0].messages)
    assert "Markdown" not in shown
    assert "A name in braces, {question}." in shown


# Taking apart


def test_items_are_taken_apart_whatever_the_labels() -> None:
    output = """Sure, here they are:

1. Question: What is moss?
Answer: A small plant.
It has no roots.
###
**Question 2:** Why is it green?
**Answer:** Because of its chlorophyll.

Întrebare: Ce este mușchiul?
Răspuns: O plantă mică.
###
Frage: Was ist Moos?
Antwort: Eine kleine Pflanze."""
    assert list(harvest(output, "en")) == [
        Pair("What is moss?", "A small plant.\nIt has no roots.", "en"),
        Pair("Why is it green?", "Because of its chlorophyll.", "en"),
        Pair("Ce este mușchiul?", "O plantă mică.", "en"),
        Pair("Was ist Moos?", "Eine kleine Pflanze.", "en"),
    ]


@pytest.mark.parametrize(
    ("output", "codes"),
    [
        ("", ["malformed"]),
        ("I would rather talk about the weather.", ["malformed"]),
        ("Question: What is moss?", ["malformed"]),
        ("Question: What is moss?\nAnswer:   \n###", ["malformed"]),
        ("Question:\nAnswer: A small plant.\n###", ["malformed"]),
        ("Question: What is moss?\nAnswer: A small plant that", ["cut-off"]),
        ("<think>Question: a?\nAnswer: b.\n###</think>", ["malformed"]),
    ],
)
def test_what_is_no_example_is_named(output: str, codes: list[str]) -> None:
    found = list(harvest(output, "en"))
    assert [item.code for item in found if isinstance(item, Rejected)] == codes
    assert len(found) == len(codes)


@given(st.text(max_size=300))
def test_any_output_is_taken_apart(output: str) -> None:
    for item in harvest("Question: a\n" + output, "en"):
        assert isinstance(item, Rejected) or (item.question and item.answer)


GOOD = "It is a thing that one has to see to believe."


@pytest.mark.parametrize(
    ("question", "answer", "code"),
    [
        ("Moss?", GOOD, "too-short"),
        ("What is it " + "again " * 200 + "?", GOOD, "too-long"),
        ("What is the colour of moss?", "Green.", "too-short"),
        ("What is the colour of moss?", "green " * 1001, "too-long"),
        ("What is in the picture above?", GOOD, "keyword"),
        ("Draw me a tree with the leaves of an oak.", GOOD, "keyword"),
        ("What is on https://example.org about it?", GOOD, "keyword"),
        ("... what is it that you are?", GOOD, "punctuation"),
        ("What is the name of [city] in the north?", GOOD, "placeholder"),
        ("What is the way to the house?", "I'm sorry, but I can't tell you.", "model-declined"),
        ("Ce este în pădure la noi?", GOOD, "other-language"),
        (
            "What is it that is in the wood?",
            "Sunt ciuperci care cresc în pădure.",
            "other-language",
        ),
        ("What is it that one has to see?", "What is it that one has to see?", "echo"),
        ("How do I oil a hinge today?", GOOD, "similar"),
        ("How is it that a drum can help?", SEEDS["en"][0].answer, "same-answer"),
    ],
)
def test_the_sieve_says_what_it_keeps_back(question: str, answer: str, code: str) -> None:
    sieve = Sieve()
    for pair in SEEDS["en"]:
        sieve.know(pair)
    found = sieve.judge(Pair(question, answer, "en"))
    assert found is not None
    assert found.code == code
    assert found.reason


@given(st.lists(st.text("abcdefgh ", min_size=12, max_size=40), max_size=12))
def test_no_two_that_pass_are_alike(questions: list[str]) -> None:
    sieve = Sieve()
    passed: list[str] = []
    for number, text in enumerate(questions):
        question = f"What is the {text.strip()}?"
        answer = f"It is the number {number} of all that there are in {number} rows."
        if sieve.judge(Pair(question, answer, "en")) is None:
            passed.append(question)
    for first, second in itertools.combinations(passed, 2):
        assert rouge_l(tokens(first), tokens(second)) < 0.7


# Seeds


def test_seeds_of_a_file_in_any_layout(tmp_path: Path) -> None:
    path = tmp_path / "seeds.jsonl"
    lines = [
        {"instruction": "What is the winch for?", "output": "For the boats that we pull up."},
        {"prompt": "Cum este vremea la voi?", "completion": "Este vânt din nord, ca de obicei."},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}] * 2},
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path.write_text(text + "broken\n", "utf-8")
    skipped: list[Skipped] = []
    found = seeds_of_file(path, skipped.append)
    assert [pair.language for pair in found] == ["en", "ro"]
    assert {skip.code for skip in skipped} == {"several-turns", "malformed-json"}


def test_seeds_are_the_approved_examples(workspace: Workspace) -> None:
    store = workspace.store
    source = store.add_source("vault", "/notes")
    made = examples(source.id, 5)
    store.record_scan(source.id, made, [], 5, at=1.0)
    assert approved_seeds(store) == []
    for item in made[:3]:
        Curator(store).approve(item.id)
    found = approved_seeds(store)
    assert [pair.question for pair in found] == [item.turns[0].content for item in made[:3]]
    assert list(by_language(found)) == ["en"]


def test_too_few_seeds_are_named() -> None:
    both = [pair for pairs in SEEDS.values() for pair in pairs]
    assert list(by_language(both)) == ["en", "ro"]
    assert list(by_language(both, ["ro"])) == ["ro"]
    assert list(by_language(both[:4])) == ["en"]
    with pytest.raises(ComposeError, match="too few"):
        by_language(both[:2])
    with pytest.raises(ComposeError, match="1 seed examples in ro"):
        by_language(both[:4], ["ro"])
    with pytest.raises(ComposeError, match="can't be made in fr"):
        by_language(both, ["fr"])


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b", "é", "x" * 65, "-x"])
def test_a_name_stays_in_the_workspace(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        file_of(tmp_path, name)
    assert file_of(tmp_path, "my.set-2") == tmp_path / "synthetic" / "my.set-2.jsonl"


def test_the_helper_writes_different_examples() -> None:
    texts = [example(code, number) for code in ("en", "ro") for number in range(40)]
    assert len({re.sub(r"\s+", " ", text) for text in texts}) == 80
