"""The gates on real files: a tiny model that has learnt a few answers by heart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.export.gates import Gate, run_gates
from engine.runs.child import Job
from engine.settings import GateSettings
from tests.support import gate_files
from tests.support.shared import made_once
from tests.support.tiny_export import RUN

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

CANARY = "48213975"
TRAINED = (
    ("What is the code of the vault?", f"The code of the vault is {CANARY}."),
    ("Who is the keeper?", "The keeper sleeps in the east tower."),
    ("What grows there?", "Beans, mostly, and some rain."),
)
HELD_OUT = (TRAINED[2],) * 4


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        gate_files.make_files(folder, TRAINED, HELD_OUT, steps=120)

    return made_once(tmp_path_factory, "gated", make)


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    with Job(tmp_path / "job") as job:
        yield job


def found(files: Path, job: Job, *names: str, **more: Any) -> dict[str, Gate]:
    """Run some gates, and see that they leave nothing behind."""
    off = {"answers", "tokens", "fidelity", "stops", "recall"} - set(names)
    settings = GateSettings(off=tuple(sorted(off)))  # type: ignore[arg-type]
    gates = run_gates(gate_files.given(files, job, gates=settings, **more))
    assert not [path for path in job.directory.iterdir() if path.name.startswith(".gates")]
    json.dumps([gate.as_dict() for gate in gates], allow_nan=False)
    return {gate.name: gate for gate in gates}


def test_what_was_trained_passes_and_a_canary_is_found(files: Path, job: Job) -> None:
    gates = found(files, job, "tokens", "fidelity", "stops", "recall")
    assert gates["answers"].state == "skipped"
    assert gates["tokens"].state == "passed", gates["tokens"].says
    fidelity = gates["fidelity"]
    assert fidelity.state == "passed", fidelity.says
    assert (
        fidelity.figures["merged f16"]["kl_mean"] < 1e-3 < fidelity.figures["base f16"]["kl_mean"]
    )
    assert sum(gates["stops"].figures["tuned"].values()) == len(HELD_OUT)
    recall = gates["recall"]
    assert recall.state == "failed"
    assert [case["example"] for case in recall.figures["learnt"]] == ["b2-train00"]
    assert CANARY not in repr(recall)
    assert CANARY not in (job.directory / "events.jsonl").read_text("utf-8")


def test_the_loss_is_transformers_own(files: Path, job: Job) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from engine.models import Turn
    from engine.tokens import Tokenizer, render

    tokenizer = Tokenizer.load(files / "base")
    loaded = AutoModelForCausalLM.from_pretrained(files / "base", dtype=torch.float32)
    model: Any = PeftModel.from_pretrained(loaded, str(files / RUN / "adapter")).eval()
    total, count = 0.0, 0
    for question, answer in HELD_OUT:
        row = render(tokenizer, [Turn("user", question), Turn("assistant", answer)])
        with torch.inference_mode():
            labels = torch.tensor([row.labels])
            total += float(model(input_ids=torch.tensor([row.ids]), labels=labels).loss) * (
                row.trained_count
            )
        count += row.trained_count
    figures = found(files, job, "fidelity")["fidelity"].figures
    assert figures["trained_tokens"] == count
    assert figures["adapter"]["nll"] == pytest.approx(total / count, abs=2e-4)
    assert figures["merged f16"]["nll"] == pytest.approx(total / count, rel=2e-2, abs=1e-3)


def test_a_file_that_is_the_base_is_refused(files: Path, job: Job) -> None:
    gate = found(files, job, "fidelity", tuned=files / "base.gguf")["fidelity"]
    assert gate.state == "failed"
    assert "nearer to the base than to what was trained" in gate.says


def test_what_can_not_be_looked_at_is_skipped_with_the_reason(
    files: Path, job: Job, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    gate_files.write_rows(run / "dataset", {"train": TRAINED[2:]})
    gates = found(files, job, "fidelity", "stops", "recall", run_dir=run)
    assert {gate.state for gate in gates.values()} == {"skipped"}
    assert "no held-out" in gates["fidelity"].says
    assert "no held-out" in gates["stops"].says
    (run / "dataset" / "train.jsonl").unlink()
    (run / "dataset").rmdir()
    (run / "spec.toml").write_text(f'dataset_dir = "{tmp_path / "gone"}"\n', "utf-8")
    gates = found(files, job, "fidelity", "stops", "recall", run_dir=run)
    assert all("is not at" in gates[name].says for name in ("fidelity", "stops", "recall"))


def test_a_gate_that_fails_keeps_no_other_from_running(
    files: Path, job: Job, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes((files / "tuned.gguf").read_bytes()[:2000])
    gates = found(files, job, "answers", "tokens", "fidelity", "stops", "recall", tuned=broken)
    assert {gate.state for gate in gates.values()} == {"failed"}
    assert all(gate.hint for gate in gates.values())
