from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bases import Base, add
from engine.cli.main import main
from engine.dataset import DatasetOptions, freeze, stats
from engine.dataset.stats import histogram
from engine.errors import DatasetMissing, NothingApproved
from engine.workspace import Workspace
from tests.dataset.support import approve, note, notes


def test_numbers_of_approved_examples_and_of_the_dataset_they_become(
    workspace: Workspace, base: Base
) -> None:
    made = [
        note("a.md", "1234", "12345678", tags=("x",)),
        note("b.md", "12", "1234", tags=("x", "y"), kind="decision"),
        note("c.md", "1", "12"),
    ]
    approve(workspace, made)
    draft = stats(workspace, base=base)
    assert draft.name == ""
    assert (draft.rows, draft.turns) == (3, 6)
    assert draft.question_chars == pytest.approx(7 / 3)
    assert draft.answer_chars == pytest.approx(14 / 3)
    assert draft.kinds == {"reflection": 2, "decision": 1}
    assert draft.tags == {"x": 2, "y": 1}
    assert draft.trained_tokens + draft.held_out_tokens == 14 + 3
    # Two turns' markers, roles and newlines are 21 tokens; the rest is text.
    assert draft.longest_tokens == 12 + 21
    assert draft.row_tokens == pytest.approx(21 / 3 + 21)
    assert draft.unit == "tokens"
    frozen = freeze(workspace, base=base)
    again = stats(workspace, frozen.name, base=base)
    assert again.name == "d1"
    assert (again.train, again.trained_tokens) == (frozen.train, draft.trained_tokens)
    assert again.histogram == draft.histogram


def test_without_a_base_lengths_are_in_characters(workspace: Workspace) -> None:
    approve(workspace, notes(6))
    found = stats(workspace)
    assert (found.unit, found.trained_tokens, found.longest_tokens) == ("characters", 0, 0)
    assert sum(one.count for one in found.histogram) == 6


def test_rows_that_would_be_cut_are_counted(workspace: Workspace, base: Base) -> None:
    approve(workspace, [note("a.md", "q", "long " * 20), note("b.md", "q", "short")])
    options = DatasetOptions(0.5, 0, "", 60)
    found = stats(workspace, base=base, options=options)
    assert (found.truncated, found.longest_tokens) == (1, 60)


def test_nothing_to_describe_is_a_named_error(workspace: Workspace) -> None:
    with pytest.raises(NothingApproved):
        stats(workspace)
    with pytest.raises(DatasetMissing):
        stats(workspace, "d1")


@given(st.lists(st.integers(0, 10**7), max_size=60), st.integers(1, 20))
def test_bars_hold_every_value_once(values: list[int], bins: int) -> None:
    bars = histogram(values, bins)
    assert sum(bar.count for bar in bars) == len(values)
    assert len(bars) <= bins + 1
    for first, second in pairwise(bars):
        assert first.high == second.low
    for bar in bars:
        assert bar.count == sum(bar.low <= value < bar.high for value in values)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(list(words))
    return status, capsys.readouterr().out


def test_the_verbs(
    workspace: Workspace, base: Base, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = approve(workspace, notes(10))
    add(str(base.directory))
    at = ("--workspace", str(workspace.root))
    named = ("--base", str(base.directory))
    status, out = run(capsys, "dataset", "stats", *at, *named)
    assert (status, "not frozen yet" in out) == (0, True)
    status, out = run(capsys, "dataset", "export", "--format", "chat", "--out", "x", *at)
    assert status == 1
    status, out = run(capsys, "dataset", "freeze", *at, *named, "--no-near", "--json")
    assert (status, json.loads(out)["manifest"]["name"]) == (0, "d1")
    status, out = run(capsys, "dataset", "list", *at)
    assert (status, out.splitlines()[1].split()[:3]) == (0, ["d1", "8", "2"])
    status, out = run(capsys, "dataset", "stats", "d1", *at, *named, "--json")
    assert (status, json.loads(out)["rows"]) == (0, 10)
    target = tmp_path / "x.jsonl"
    words = ("dataset", "export", "--format", "completion", "--out", str(target), *at, "--json")
    status, out = run(capsys, *words)
    assert (status, json.loads(out)["files"]) == (0, {str(target): 10})
    status, out = run(capsys, *words)
    assert (status, json.loads(out)["error"]["code"]) == (2, "usage")
    prefix = ids[0].removeprefix("b2-")[:10]
    status, out = run(capsys, "dataset", "preview", prefix, *at, *named)
    assert status == 0
    assert "<|im_start|>assistant\n⟦Answer 1.<|im_end|>⟧\n" in out
    assert "10 trained" in out
    status, out = run(capsys, "dataset", "preview", prefix, *at, *named, "--json")
    document = json.loads(out)
    assert [part["kind"] for part in document["segments"]] == ["masked", "trained", "masked"]
    assert (document["id"], document["trained"]) == (ids[0], 10)
    assert len(document["ids"]) == len(document["labels"]) == document["tokens"]


def test_a_base_that_is_not_here_is_no_obstacle_to_freezing(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    approve(workspace, notes(4))
    at = ("--workspace", str(workspace.root))
    assert main(["dataset", "freeze", *at, "--no-near"]) == 0
    assert "tokens are not counted" in capsys.readouterr().err
    assert main(["dataset", "freeze", *at, "--no-near", "--base", "gemma-2b"]) == 1
    assert "finetui bases add gemma-2b" in capsys.readouterr().err


def test_text_of_a_note_can_not_steer_the_terminal(
    workspace: Workspace, base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    (identifier,) = approve(workspace, [note("a.md", "q", "\x1b[31mred\x07 [bold]")])
    words = ["dataset", "preview", identifier, "--base", str(base.directory)]
    assert main([*words, "--workspace", str(workspace.root)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "⟦\\x1b[31mred\\x07 [bold]" in out
