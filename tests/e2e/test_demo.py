"""The whole loop on the embedded base: real notes, real training, real GGUFs, real answers.

``make test`` goes round once with few notes and short answers; ``make test-all`` runs the
demo as it ships, and holds it to its figures.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from engine.demo import data_dir
from engine.demo.loop import run_headless
from engine.models import Filter
from engine.workspace import open_workspace
from tests.support.embedded import lend_embedded
from tests.support.hashes import hashes

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1800)]

NOTES = "daily/2024-0[1-2]-*.md"
CHATS, ROWS = 2, 4


def finetui(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "tui", *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def some_of_the_demo(folder: Path) -> Path:
    """Write the demo's sources again, with fewer notes, chats and rows."""
    data = data_dir()
    for note in sorted((data / "vault").glob(NOTES)):
        target = folder / note.relative_to(data)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(note, target)
    chats = json.loads((data / "conversations.json").read_text("utf-8"))
    (folder / "conversations.json").write_text(json.dumps(chats[:CHATS]), "utf-8")
    rows = (data / "instructions.jsonl").read_text("utf-8").splitlines(keepends=True)
    (folder / "instructions.jsonl").write_text("".join(rows[:ROWS]), "utf-8")
    return folder


def check_what_was_left(folder: Path, summary: dict[str, Any], quants: set[str]) -> None:
    """Check that a demo's workspace holds what its summary says."""
    assert summary["tuned_eval_loss"] < summary["base_eval_loss"]
    with open_workspace(folder) as workspace:
        approved = list(workspace.store.cards(Filter(states=("approved",))))
        assert len(approved) == summary["approved"]
        assert len(workspace.store.journal()) == summary["approved"] + summary["rejected"]

    run = Path(summary["run_dir"])
    held_out = (run / "dataset" / "validation.jsonl").read_text("utf-8").splitlines()
    trained = (run / "dataset" / "train.jsonl").read_text("utf-8").splitlines()
    assert len(held_out) == summary["validation_examples"]
    assert not set(held_out) & set(trained)

    assert {export["quant"] for export in summary["exports"]} == quants
    for export in summary["exports"]:
        for side in ("tuned", "base"):
            with Path(export[side]).open("rb") as file:
                assert file.read(4) == b"GGUF"
        assert export["answer"].strip()
    assert summary["answers"]
    for answer in summary["answers"]:
        assert answer["base"].strip()
        assert answer["tuned"].strip()
        assert answer["base"] != answer["tuned"]
        assert answer["tuned_timing"]["tokens_per_s"] > 0

    # The verbs find what the demo made, and another look changes nothing.
    listed = finetui("runs", "list", "--workspace", str(folder), "--json", cwd=folder)
    assert listed.returncode == 0, listed.stderr
    assert summary["run_id"] in listed.stdout
    again = finetui("sources", "scan", "--workspace", str(folder), "--json", cwd=folder)
    assert again.returncode == 0, again.stderr
    with open_workspace(folder) as workspace:
        assert workspace.store.counts().approved == summary["approved"]


@pytest.mark.usefixtures("quick_gates")
def test_a_few_notes_become_a_model_that_is_better_on_what_it_never_saw(
    tmp_path: Path, embedded_cache: Path
) -> None:
    lend_embedded(embedded_cache)
    data = some_of_the_demo(tmp_path / "data")
    before = hashes(data)
    summary = run_headless(
        tmp_path / "demo", say=print, data=data, quants=("f16",), questions=1, answer_tokens=24,
        training={"sample_tokens": 0},
    )  # fmt: skip
    assert hashes(data) == before, "a source was written to"
    assert summary.improvement >= 0.05, summary
    check_what_was_left(tmp_path / "demo", asdict(summary), {"f16"})


@pytest.mark.nightly
def test_the_demo_as_it_ships(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    before = hashes(data_dir())
    result = finetui("demo", "--headless", str(folder), "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert hashes(data_dir()) == before, "a source was written to"
    summary = json.loads(result.stdout)
    assert summary["found"] >= 100
    assert summary["approved"] >= 100
    assert summary["improvement"] >= 0.15, summary
    check_what_was_left(folder, summary, {"f16", "q4_k_m"})
