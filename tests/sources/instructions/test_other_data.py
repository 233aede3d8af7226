"""Rows that are training data of another sort, in the columns that their data sets document."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from engine.models import Skipped
from engine.sources import detect, read

ASKED = "Which way leads to the old garden?"
OTHER = "How do I find the garden that is old?"


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize(
    ("row", "code"),
    [
        # Quora's pairs, the similarity benchmark, MNLI, SICK, and headings in Romanian.
        ({"id": 1, "question1": ASKED, "question2": OTHER, "is_duplicate": 1}, "text-pairs"),
        ({"sentence1": ASKED, "sentence2": OTHER, "score": 4.2}, "text-pairs"),
        ({"premise": ASKED, "hypothesis": OTHER, "label": 2}, "text-pairs"),
        ({"sentence_A": ASKED, "sentence_B": OTHER, "relatedness_score": 4.5}, "text-pairs"),
        ({"întrebare1": ASKED, "întrebare2": OTHER, "eticheta": 0}, "text-pairs"),
        # QNLI of GLUE, a search's judgements, the triplets of sentence-transformers.
        ({"question": "Who sat?", "sentence": "It is red.", "label": "not_entailment"},
         "text-pairs"),
        ({"question": "Who sat?", "sentence": "It is red.", "label": 1, "idx": 0}, "text-pairs"),
        ({"query": ASKED, "document": "A shop for shoes.", "relevance": 0}, "text-pairs"),
        ({"input": ASKED, "target": OTHER, "is_paraphrase": 0}, "text-pairs"),
        ({"anchor": ASKED, "positive": OTHER, "negative": "A shop."}, "text-pairs"),
        # HH-RLHF, the summaries of Stiennon et al., an arena's votes, WebGPT, SHP.
        ({"chosen": f"Human: {ASKED}", "rejected": f"Human: {OTHER}"}, "preference"),
        ({"info": {"post": ASKED}, "summaries": [{"text": "a"}, {"text": "b"}], "choice": 1,
          "worker": "w"}, "preference"),
        ({"prompt": ASKED, "response_a": "a", "response_b": "b", "winner": "a"}, "preference"),
        ({"question": ASKED, "answer_0": "a", "answer_1": "b", "score_0": 1.0}, "preference"),
        ({"history": ASKED, "human_ref_A": "a", "human_ref_B": "b", "labels": 1}, "preference"),
    ],
)  # fmt: skip
def test_it_is_named_and_not_read(
    tmp_path: Path, row: dict[str, Any], code: str, ending: str
) -> None:
    path = tmp_path / f"rows.{ending}"
    rows = [row | {"n": number} for number in range(4)]
    if ending == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        with path.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    found = detect(path)
    assert "which are not read" in found.why
    assert found.confidence <= 0.3
    skipped: list[Skipped] = []
    assert not list(read(found.kind, path, options=found.options, on_skip=skipped.append))
    assert {skip.code for skip in skipped} == {code}


@pytest.mark.parametrize(
    ("row", "good", "bad"),
    [
        # KTO as TRL and LLaMA-Factory have it, WikiQA, and answers that were judged.
        ({"prompt": ASKED, "completion": "Left."}, {"label": True}, {"label": False}),
        ({"prompt": ASKED, "completion": "Left."}, {"label": 1}, {"label": 0}),
        ({"prompt": ASKED, "completion": "Left."}, {"kto_tag": True}, {"kto_tag": False}),
        ({"instruction": ASKED, "output": "Left."}, {"kto_tag": "true"}, {"kto_tag": "false"}),
        ({"messages": [{"role": "user", "content": ASKED},
                       {"role": "assistant", "content": "Left."}]},
         {"kto_tag": True}, {"kto_tag": False}),
        ({"question": ASKED, "document_title": "Garden", "answer": "Left."},
         {"label": 1}, {"label": 0}),
        ({"question": ASKED, "answer": "Left."}, {"is_correct": 1}, {"is_correct": 0}),
        ({"query": ASKED, "answer": "Left."}, {"relevance": 2}, {"relevance": 0}),
        # A flag or nothing is no pair of answers; a number may be a class or a choice's place.
        ({"question": ASKED, "answer": "Left."}, {"chosen": True}, {"chosen": False}),
        ({"question": ASKED, "answer": "Left."}, {"rejected": False}, {"rejected": True}),
        ({"prompt": ASKED, "response": "Left."}, {"chosen": None, "rejected": None}, None),
        ({"question": ASKED, "answer": "Left."}, {"label": 0}, None),
        ({"question": ASKED, "answer": "Left."}, {"correct": 0}, None),
    ],
)  # fmt: skip
def test_rows_whose_label_says_no_are_left_out(
    tmp_path: Path, row: dict[str, Any], good: dict[str, Any], bad: dict[str, Any] | None
) -> None:
    rows = [row | good, *([row | bad] if bad else [])]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    for kind in ("instructions", *(["conversations"] if "messages" in row else [])):
        skipped: list[Skipped] = []
        (document,) = read(kind, path, on_skip=skipped.append)
        assert document.turns[-1].content == "Left."
        assert [skip.code for skip in skipped] == ["rejected-answer"] * bool(bad)


def test_two_columns_alike_beside_one_that_answers_are_no_pair(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = {"instruction": "Compare them.", "text1": ASKED, "text2": OTHER, "output": "Alike."}
    path.write_text(json.dumps(row))
    (document,) = read("instructions", path)
    assert document.turns[-1].content == "Alike."
