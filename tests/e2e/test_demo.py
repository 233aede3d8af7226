"""The whole loop on the embedded base: real notes, real training, real GGUFs, real answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.demo import data_dir
from engine.models import Filter
from engine.workspace import open_workspace
from tests.support.hashes import hashes

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1800)]


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


@pytest.fixture
def demo(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """Run the demo once; the steps below look at what it left."""
    folder = tmp_path / "demo"
    before = hashes(data_dir())
    result = finetui("demo", "--headless", str(folder), "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert hashes(data_dir()) == before, "a source was written to"
    return folder, json.loads(result.stdout)


def test_notes_become_a_model_that_is_better_on_what_it_never_saw(
    demo: tuple[Path, dict[str, Any]],
) -> None:
    folder, summary = demo
    assert summary["found"] >= 100
    assert summary["approved"] >= 100
    assert summary["improvement"] >= 0.15, summary
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

    assert {export["quant"] for export in summary["exports"]} == {"f16", "q4_k_m"}
    for export in summary["exports"]:
        for side in ("tuned", "base"):
            assert Path(export[side]).read_bytes()[:4] == b"GGUF"
        assert export["answer"].strip()
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
