"""Where questions and answers stand is found out, in real Chroma databases of many layouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sources.cache.chroma import Entry, detect, read, store
from tests.sources.cache.garden import LAYOUTS, PASSAGES


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_mapping_of_a_layout_is_found_and_read(tmp_path: Path, name: str) -> None:
    layout = LAYOUTS[name]
    root = store(tmp_path / "db", {"garden": layout.rows})
    found = detect(root)
    assert (found.options["question"], found.options["answer"]) == (layout.question, layout.answer)
    assert found.options["collection"] == "garden"
    assert found.confidence > 0.7
    assert layout.question in found.choices["question"]
    assert layout.answer in found.choices["answer"]

    seen = read(root)
    assert seen.skipped == []
    assert len(seen.documents) == layout.documents
    assert tuple(seen.talks[0]) == layout.turns
    assert [turn.role for turn in seen.documents[0].turns] == [
        "user" if number % 2 == 0 else "assistant" for number in range(len(layout.turns))
    ]
    assert dict(seen.documents[0].metadata) == {**layout.metadata, "layout": "cache"}
    # What was found, said by a person, reads the same.
    assert read(root, **found.options) == seen


@pytest.mark.parametrize("name", PASSAGES)
def test_passages_are_said_to_be_passages(tmp_path: Path, name: str) -> None:
    root = store(tmp_path / "db", {"chunks": PASSAGES[name]})
    found = detect(root)
    assert found.confidence == 0.2
    assert "12 passages of text in chunks, no questions found" in found.why
    assert "set question and answer to read it" in found.why
    assert found.options == {"collection": "chunks"}
    assert "document" in found.choices["answer"]
    assert read(root).codes == {"chroma.sqlite3": "no-questions"}


def test_vectors_without_text_are_said_to_be_that(tmp_path: Path) -> None:
    root = store(tmp_path / "db", {"vectors": [Entry(None, {"n": 1}), Entry(None, {"n": 2})]})
    assert "2 rows without text in vectors" in detect(root).why


def test_the_largest_collection_with_questions_is_taken(tmp_path: Path) -> None:
    root = store(
        tmp_path / "db",
        {
            "chunks": PASSAGES["chunks"] + PASSAGES["code"],
            "faq": LAYOUTS["labels"].rows[:7],
            "memory": LAYOUTS["memory of one exchange"].rows,
            "empty": [],
        },
    )
    found = detect(root)
    assert found.options["collection"] == "memory"
    assert set(found.choices["collection"]) == {"chunks", "empty", "faq", "memory"}
    assert "questions also in faq (7)" in found.why
    assert "other collections: chunks (24), empty (0)" in found.why
    assert {document.path.partition("/")[0] for document in read(root).documents} == {"memory"}
    assert len(read(root, collection="faq").documents) == 7


def test_what_is_said_of_one_side_is_kept(tmp_path: Path) -> None:
    rows = [
        Entry(
            f"What of bed {n}?", {"short": f"Dry is bed {n}.", "long": f"Bed {n} is dry, water it."}
        )
        for n in range(6)
    ]
    root = store(tmp_path / "db", {"beds": rows})
    assert read(root, answer="metadata:short").talks[0] == ["What of bed 0?", "Dry is bed 0."]
    assert read(root, question="document", answer="metadata:long").talks[1] == [
        "What of bed 1?",
        "Bed 1 is dry, water it.",
    ]
    assert "it may also be" in detect(root).why


def test_an_unfit_mapping_is_refused_with_one_that_fits(tmp_path: Path) -> None:
    root = store(tmp_path / "db", {"faq": LAYOUTS["labels"].rows})
    seen = read(root, question="metadata:question", answer="metadata:answer")
    assert seen.documents == []
    assert seen.codes == {"chroma.sqlite3": "no-questions"}
    assert "question=document:after Question:" in seen.skipped[0].reason


def test_passages_are_read_where_a_person_says_how(tmp_path: Path) -> None:
    root = store(tmp_path / "db", {"chunks": PASSAGES["chunks"]})
    seen = read(root, question="metadata:title", answer="document")
    assert seen.talks[0][0] == "On beds"
    assert len(seen.documents) == 12


def test_chunks_that_begin_in_the_middle_of_an_exchange(tmp_path: Path) -> None:
    whole = "Q: Why one?\nA: First.\nQ: Why two?\nA: Second."
    cut = "A: The end of another.\nQ: Why three?\nA: Third.\nQ: Why four?"
    root = store(tmp_path / "db", {"faq": [Entry(whole), Entry(cut), Entry(whole)]})
    seen = read(root)
    assert ["Why three?", "Third."] in seen.talks
    assert len(seen.documents) == 5
    assert [(skip.path, skip.code) for skip in seen.skipped] == [
        ("faq/row-1", "no-question"),
        ("faq/row-1", "no-answer"),
    ]
