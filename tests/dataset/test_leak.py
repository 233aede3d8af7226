from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.dataset import DatasetOptions, Frozen, datasets, default_options, draft, freeze, leaks
from engine.dataset.card import dataset_card
from engine.dataset.leak import LeakSummary, Nearest, summarise
from engine.dataset.meter import by_text
from engine.dataset.rows import Row
from engine.errors import SourceEmpty, SourceMissing, UsageError
from engine.models import Link, Turn
from engine.workspace import Workspace
from tests.dataset.support import NOW, approve, note, notes

ANSWER = (
    "I fill the kettle the evening before, so that in the morning only the switch is left to do; "
    "it is the first decision of the day, and it is already made."
)
NEAR = (
    "The evening before, I fill the kettle, so in the morning only the switch is left to do; it "
    "is the first decision of the day and it is already made."
)


def link(workspace: Workspace, *links: Link, leave: int = -1) -> None:
    """Record links as deduplication does, for all examples but one."""
    linked = {
        card.position: f"{card.example.id}||"
        for card in workspace.store.cards()
        if card.position != leave
    }
    workspace.store.save_links("model-1", linked=linked, links=links)


def options(workspace: Workspace, **changes: object) -> DatasetOptions:
    return replace(default_options(workspace), **changes)  # type: ignore[arg-type]


def side_of(made: Frozen) -> dict[str, str]:
    sides = {row.id: "train" for row in made.train_rows()}
    sides |= {row.id: "validation" for row in made.validation_rows()}
    return sides | {row.id: "test" for row in made.test_rows()}


def position(workspace: Workspace, example_id: str) -> int:
    return workspace.store.card(example_id).position


def near_files(folder: Path, *texts: tuple[str, str]) -> Path:
    path = folder / "tests.jsonl"
    lines = [json.dumps({"prompt": prompt, "completion": answer}) for prompt, answer in texts]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


# What is known of near-duplicates


@pytest.mark.parametrize("seed", range(6))
def test_linked_examples_are_on_one_side_above_the_threshold(
    workspace: Workspace, seed: int
) -> None:
    ids = approve(workspace, notes(20, per_file=1))
    places = [position(workspace, one) for one in ids]
    link(
        workspace,
        Link("both", places[0], places[5], 0.97),
        Link("both", places[5], places[9], 0.92),
        Link("both", places[1], places[2], 0.85),
    )
    made = freeze(workspace, base=None, options=options(workspace, seed=seed))
    sides = side_of(made)
    assert sides[ids[0]] == sides[ids[5]] == sides[ids[9]]
    near = made.manifest["near_duplicates"]
    assert (near["checked"], near["reason"], near["embeddings"]) == (True, "", "model-1")
    assert (near["threshold"], near["level"]) == (0.9, "copies")
    assert "paraphrases" in {notice.code for notice in made.notices}
    assert made.manifest["groups"]["count"] == 18
    lower = draft(workspace, base=None, options=options(workspace, seed=seed, threshold=0.8))
    assert len(lower.grouping.groups) == 17
    between = freeze(workspace, base=None, options=options(workspace, seed=seed, threshold=0.85))
    said = {notice.code: notice.message for notice in between.notices}["paraphrases"]
    assert "near-duplicates are 0.85 and more;" in said
    assert "paraphrases may be on both sides" in dataset_card(between.manifest)
    named = draft(workspace, base=None, options=options(workspace, threshold="paraphrases"))
    assert len(named.grouping.groups) == 17
    assert "paraphrases" not in {notice.code for notice in named.notices}
    alone = options(workspace, seed=seed, near_duplicates="no")
    assert len(draft(workspace, base=None, options=alone).grouping.groups) == 20


def test_what_was_not_compared_is_said(workspace: Workspace) -> None:
    ids = approve(workspace, notes(10))
    made = draft(workspace, base=None, options=options(workspace))
    assert made.near is not None
    assert "finetui dedup" in made.near.reason
    link(workspace, leave=position(workspace, ids[3]))
    made = draft(workspace, base=None, options=options(workspace))
    assert made.near is not None
    assert (made.near.checked, made.near.reason.split(" were")[0]) == (False, "1 of 10 rows")
    assert "near-duplicates" in {notice.code for notice in made.notices}
    link(workspace)
    # A text that was compared before it was edited was not compared.
    workspace.store.append(
        "edit", ids[0], turns=(Turn("user", "N"), Turn("assistant", "M")), at=NOW
    )
    workspace.store.append("approve", ids[0], at=NOW)
    made = draft(workspace, base=None, options=options(workspace))
    assert made.near is not None
    assert not made.near.checked


def test_of_near_duplicates_one_is_taken_on_demand(workspace: Workspace) -> None:
    made = [note("a.md", "Q1?", "Short."), note("b.md", "Q2?", "A longer one."), *notes(12)]
    ids = approve(workspace, made)
    link(workspace, Link("both", position(workspace, ids[0]), position(workspace, ids[1]), 0.95))
    frozen = freeze(workspace, base=None, options=options(workspace, deduplicate=True))
    assert frozen.manifest["counts"]["left_out"] == {"deduplicate": 1}
    assert ids[0] not in side_of(frozen)
    assert ids[1] in side_of(frozen)


# Sides that stay


def test_old_rows_stay_on_their_side_when_rows_are_added(workspace: Workspace) -> None:
    approve(workspace, notes(30))
    first = freeze(workspace, base=None)
    for round_ in range(3):
        more = [note(f"more{round_}-{n}.md", f"More {round_} {n}?", f"M{n}.") for n in range(17)]
        approve(workspace, more, root=f"/more{round_}")
        second = freeze(workspace, base=None)
        assert side_of(second).items() >= side_of(first).items()
        total = second.train + second.validation
        assert abs(second.validation - 0.2 * total) < 2
        assert first.name in second.manifest["earlier"]
        first = second


def test_an_edit_and_a_new_version_of_a_note_stay_too(workspace: Workspace) -> None:
    ids = approve(workspace, notes(10, per_file=1))
    first = side_of(freeze(workspace, base=None))
    turns = (Turn("user", "Question 4?"), Turn("assistant", "Another answer."))
    workspace.store.append("edit", ids[3], turns=turns, at=NOW)
    workspace.store.append("approve", ids[3], at=NOW)
    approve(workspace, notes(12, per_file=1)[10:])
    assert side_of(freeze(workspace, base=None))[ids[3]] == first[ids[3]]


def test_a_row_that_was_trained_on_takes_its_group_along(workspace: Workspace) -> None:
    ids = approve(workspace, notes(20, per_file=1))
    first = side_of(freeze(workspace, base=None))
    trained = next(one for one in ids if first[one] == "train")
    held_out = next(one for one in ids if first[one] == "validation")
    a, b = sorted(position(workspace, one) for one in (trained, held_out))
    link(workspace, Link("both", a, b, 0.99))
    second = side_of(freeze(workspace, base=None))
    assert second[held_out] == second[trained] == "train"
    moved = {one for one in ids if first[one] != second[one]}
    assert moved == {held_out}


def test_who_asks_for_another_division_gets_it(workspace: Workspace) -> None:
    approve(workspace, notes(40, per_file=1))
    freeze(workspace, base=None)
    half = freeze(workspace, base=None, validation_fraction=0.5)
    assert (half.train, half.validation) == (20, 20)
    assert "trained-before" in {notice.code for notice in half.notices}
    approve(workspace, [note(f"n{n}.md", f"New {n}?", f"N{n}.") for n in range(10)])
    kept = freeze(workspace, base=None)
    fresh = freeze(workspace, base=None, options=options(workspace, fresh_split=True))
    assert kept.manifest["earlier"] == ["d1"]
    assert fresh.manifest["earlier"] == []
    other = freeze(workspace, base=None, seed=5)
    assert side_of(other) != side_of(kept)


def test_a_test_side_is_a_file_and_stays(workspace: Workspace) -> None:
    approve(workspace, notes(40, per_file=1))
    three = options(workspace, test_fraction=0.1)
    made = freeze(workspace, base=None, options=three)
    assert (made.train, made.validation, made.test) == (28, 8, 4)
    assert made.test_file.is_file()
    assert made.manifest["files"]["test.jsonl"]["rows"] == 4
    assert datasets(workspace)[0].test == 4
    approve(workspace, [note(f"n{n}.md", f"New {n}?", f"N{n}.") for n in range(10)])
    again = freeze(workspace, base=None, options=three)
    assert side_of(again).items() >= side_of(made).items()
    assert again.test == 5
    with pytest.raises(UsageError, match="nothing is left"):
        freeze(workspace, base=None, options=options(workspace, test_fraction=0.9))


# The meter


def row(name: str, question: str, answer: str) -> Row:
    return Row(name, (Turn("user", question), Turn("assistant", answer)))


def test_the_meter_finds_copies_without_embeddings() -> None:
    trained = [row("t1", "Why?", ANSWER), row("t2", "How?", "So.")]
    held_out = [row("v1", "WHY", ANSWER.upper()), row("v2", "Else?", ANSWER), row("v3", "Q", "A")]
    found = summarise("validation", by_text(held_out, trained), 0.9, measured=False)
    assert (found.rows, found.equal, found.over, found.answers_over) == (3, 1, 1, 2)
    assert found.worst[0].held_out == "v1"
    assert found.worst[0].train == "t1"
    assert found.leaking == 2
    assert LeakSummary.of(json.loads(json.dumps(found.as_dict()))) == found


def test_bars_of_the_meter_hold_every_row() -> None:
    made = [Nearest(f"v{n}", "t", n / 20, 0.0, "t", False, n == 20) for n in range(-2, 21)]
    found = summarise("x", made, 0.9)
    assert sum(found.bins) == found.rows == 23
    assert found.bins[-1] == 3
    assert (found.highest, found.equal, found.over) == (1.0, 1, 2)
    empty = summarise("x", [], 0.9)
    assert (empty.rows, empty.highest, empty.worst) == (0, 0.0, ())


def test_a_model_that_is_not_there_stops_no_freeze(workspace: Workspace) -> None:
    approve(workspace, notes(12))
    chosen = options(workspace, near_duplicates="now", model="/nowhere/at-all")
    made = freeze(workspace, base=None, options=chosen)
    near = made.manifest["near_duplicates"]
    assert not near["checked"]
    assert "/nowhere/at-all" in near["reason"]
    (summary,) = made.leak
    assert (summary.measured, summary.over) == (False, 0)
    assert "near-duplicates" in {notice.code for notice in made.notices}


def test_embeddings_keep_near_duplicates_together_and_the_meter_agrees(
    workspace: Workspace, tmp_path: Path
) -> None:
    """The embedded model, in children, as the verbs and the app use it."""
    made = notes(16, per_file=1)
    questions = ("What is the first decision of your day?", "What's your day's first decision?")
    ids = approve(
        workspace, [note("x.md", questions[0], ANSWER), note("y.md", questions[1], NEAR), *made]
    )
    for seed in range(2):
        chosen = options(workspace, near_duplicates="now", seed=seed)
        frozen = freeze(workspace, base=None, options=chosen)
        assert frozen.manifest["near_duplicates"]["checked"]
        assert side_of(frozen)[ids[0]] == side_of(frozen)[ids[1]]
        (summary,) = frozen.leak
        assert summary.measured
        assert (summary.over, summary.answers_over, summary.leaking) == (0, 0, 0)
    # A file with a copy, a near copy and something else, against what is trained on.
    trained = frozen.train_rows()[0]
    question, answer = (turn.content for turn in trained.turns)
    path = near_files(
        tmp_path,
        (question.upper(), answer),
        ("How does your day's first decision go?", NEAR),
        ("Who paints boats?", "My aunt does."),
    )
    (found,) = leaks(workspace, frozen.name, against=[path])
    assert (found.side, found.rows, found.measured) == ("tests.jsonl", 3, True)
    near = side_of(frozen)[ids[1]] == "train"
    assert (found.equal, found.answers_over) == (1, int(near))
    assert found.worst[0].train == trained.id
    assert found.worst[-1].similarity < 0.9
    # As a holdout file it is the test side, and what is near it is not trained on.
    chosen = options(workspace, near_duplicates="now", holdout=(path,))
    frozen = freeze(workspace, base=None, options=chosen)
    held_back = frozen.manifest["held_back"]
    assert held_back[trained.id] == "equal"
    assert {held_back[ids[0]], held_back[ids[1]]} <= {"near", "group", "equal"}
    assert (frozen.test, frozen.manifest["counts"]["left_out"]) == (3, {"holdout": 3})
    assert {one.side: one.leaking for one in frozen.leak} == {"validation": 0, "test": 0}


# Files from elsewhere


def test_a_holdout_file_keeps_its_like_out_by_text_alone(
    workspace: Workspace, tmp_path: Path
) -> None:
    ids = approve(workspace, [note("a.md", "Why so?", ANSWER), *notes(10)])
    mates = approve(workspace, [note("a.md", "Other?", "Same note.", line=9)])
    path = near_files(tmp_path, ("WHY so", "Another answer."), ("Else?", "Nothing of it."))
    chosen = options(workspace, holdout=(path,), system_prompt="Be kind.")
    frozen = freeze(workspace, base=None, options=chosen)
    assert frozen.manifest["held_back"] == {ids[0]: "equal", mates[0]: "group"}
    assert frozen.manifest["settings"]["holdout"] == ["tests.jsonl"]
    assert [row.turns[0] for row in frozen.test_rows()] == [Turn("system", "Be kind.")] * 2
    assert str(tmp_path) not in (frozen.directory / "manifest.json").read_text()
    assert "holdout" in {notice.code for notice in frozen.notices}
    with pytest.raises(UsageError, match="exclude each other"):
        freeze(workspace, base=None, options=replace(chosen, test_fraction=0.1))
    with pytest.raises(SourceMissing):
        freeze(workspace, base=None, options=replace(chosen, holdout=(tmp_path / "no.jsonl",)))
    path.write_text('{"prompt": "only a question"}\n')
    with pytest.raises(SourceEmpty):
        freeze(workspace, base=None, options=chosen)


def test_the_verb_checks_a_file(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    approve(workspace, notes(20))
    at = ("--workspace", str(workspace.root))
    assert main(["dataset", "leaks", *at]) == 1
    assert main(["dataset", "freeze", "--no-near", "--test-fraction", "0.1", *at]) == 0
    capsys.readouterr()
    assert main(["dataset", "leaks", "--no-near", *at]) == 0
    out = capsys.readouterr().out
    assert "validation: 4 rows" in out
    assert "test: 2 rows" in out
    trained = Frozen("d1", workspace.datasets_dir / "d1", {}).train_rows()[0]
    path = near_files(tmp_path, (trained.turns[0].content, trained.turns[1].content))
    words = ["dataset", "leaks", "d1", "--against", str(path), "--no-near", "--json", *at]
    assert main(words) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["equal"], found["over"], found["measured"]) == (1, 1, False)
    assert found["worst"][0]["train"] == trained.id
