"""The proof on a GPU, tried where there is none: its packages, models and report, and all of it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.bench import gpu, gpu_needs
from tests.bench.gpu_child import Clock
from tests.bench.gpu_models import SHAPES, make_model, write_rows
from tests.bench.gpu_report import markdown

COMMAND = [sys.executable, str(Path(gpu.__file__))]


def test_calls_carry_everything_once_and_no_more_than_they_may(tmp_path: Path) -> None:
    (tmp_path / "pydantic_core-1-py3-none-any.whl").write_bytes(b"x" * 1000)
    divided = gpu_needs.calls(list(gpu_needs.NEEDS), tmp_path)
    sizes = [[size for _, size in call] for call in divided]
    assert all(sum(call) <= 60_000_000 for call in sizes)
    names = [need.name for call in divided for need, _ in call]
    assert sorted(names) == sorted(need.name for need in gpu_needs.NEEDS)
    assert 1000 in [size for call in sizes for size in call]
    table = gpu_needs.table(tmp_path)
    assert all(need.name in table for need in gpu_needs.NEEDS)


def test_every_need_has_a_pinned_version() -> None:
    lines = gpu_needs.requirements().splitlines()
    assert len(lines) == len(gpu_needs.NEEDS)
    assert all("==" in line for line in lines)


def test_wheels_are_installed_into_a_folder_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "finetui_no_such_need"
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "here = True\n")
        info = f"{name}-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    need = gpu_needs.Need(name.replace("_", "-"), name, 1000, "engine")
    monkeypatch.setattr(gpu_needs, "NEEDS", (need,))
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert gpu_needs.missing() == [need]
    assert gpu_needs.install(wheels, site) == [need.name]
    assert gpu_needs.missing() == []
    assert (site / f"{name}.py").is_file()
    assert gpu_needs.install(wheels, site) == []


@pytest.mark.parametrize("bits", [16, 4])
def test_a_model_made_on_the_spot_is_one_that_transformers_loads(tmp_path: Path, bits: int) -> None:
    from transformers import AutoModelForCausalLM

    shape = SHAPES["tiny-untied"]
    make_model(tmp_path / "model", shape, bits=bits, device="cpu")
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "model", output_loading_info=True)
    model, info = loaded
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    kinds = {type(module).__name__ for module in model.modules()}
    assert ("Linear4bit" in kinds) == (bits == 4)
    # Weights by the Llama architecture: embeddings, head, four and three projections, three norms.
    hidden, inner, kv = 128, 256, 2 * 32
    layer = 2 * hidden * hidden + 2 * hidden * kv + 3 * hidden * inner + 2 * hidden
    assert model.num_parameters() == 2 * 512 * hidden + 3 * layer + hidden


def test_rows_have_the_lengths_that_are_asked_for(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    make_model(tmp_path / "model", SHAPES["tiny"], bits=16, device="cpu")
    write_rows(tmp_path / "rows", 5, (100, 300))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    lines = (tmp_path / "rows" / "train.jsonl").read_text().splitlines()
    texts = [
        tokenizer.apply_chat_template(json.loads(line)["messages"], tokenize=False)
        for line in lines
    ]
    lengths = sorted(len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts)
    assert [abs(length - wanted) <= 12 for length, wanted in zip(
        lengths, (100, 150, 200, 250, 300), strict=True)] == [True] * 5  # fmt: skip


def test_the_clock_counts_what_is_not_padding() -> None:
    import torch

    clock = Clock("cpu")
    model = torch.nn.Linear(1, 1)
    ids = torch.zeros(2, 5, dtype=torch.int64)
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    clock.begin()
    clock.see(model, (), {"input_ids": ids, "attention_mask": mask})
    clock.see(model, (), {"input_ids": ids})
    clock.see(model.eval(), (), {"input_ids": ids})
    clock.end()
    assert clock.tokens == [8 + 10]


def test_the_report_says_what_was_found_and_what_was_not() -> None:
    peaks = {"allocated": 8_000_000_000, "reserved": 9_000_000_000, "used": 10_000_000_000}

    def turn(name: str, rate: float) -> dict[str, Any]:
        return {"base": "8B-4", "name": name, "tokens_per_s": rate, "losses": [2.5, 2.0],
                "memory": peaks, "error": ""}  # fmt: skip

    fits = {"predicted": {"weights": 8e9, "logits": 3e9, "total": 11e9}}
    text = markdown(
        {
            "machine": {"device": "NVIDIA X", "memory": 12e9, "torch": "2.13.0"},
            "turns": [turn("finetui/trl", 300.0), turn("bare trl", 200.0)],
            "fit": [
                {"name": "one", "status": "finished", "error": "", "fit": fits, "memory": peaks},
                {"name": "two", "status": "failed", "error": "no room", "memory": peaks},
            ],
            "skipped": ["finetui/unsloth: no time was left"],
            "seconds": 400,
        }
    )
    assert "NVIDIA X, 12.0 GB" in text
    assert "| 300 | 1.50 |" in text
    assert "| one | 11.00 GB | 10.00 GB | +10.0% | 8.00 GB | weights |" in text
    assert "no room" in text
    assert "- finetui/unsloth: no time was left" in text


def test_a_part_that_is_unknown_is_refused() -> None:
    done = subprocess.run([*COMMAND, "--parts", "speed"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "cap, turns, fit" in done.stderr


@pytest.mark.nightly
def test_all_of_it_runs_on_a_processor_with_tiny_shapes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = subprocess.run(
        [*COMMAND, "--device", "cpu", "--tiny", "--budget", "1800", "--out", str(out),
         "--work", str(tmp_path / "work"), "--site", str(tmp_path / "site")],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads((out / "gpu.json").read_text())
    assert found["skipped"] == []
    turns = {turn["name"]: turn for turn in found["turns"]}
    assert set(turns) == {"finetui/trl", "bare trl", "finetui/unsloth", "bare unsloth"}
    for turn in turns.values():
        assert turn["status"] == "finished"
        assert turn["steps"] == 6
        assert turn["tokens_per_s"] > 0
        assert all(math.isfinite(loss) for loss in turn["losses"])
    # All four saw the same rows, once.
    assert len({turn["tokens"] for turn in turns.values()}) == 1
    assert [setting["status"] for setting in found["fit"]] == ["finished"] * 6
    assert all(setting["fit"]["predicted"]["total"] > 0 for setting in found["fit"])
    assert found["cap"]["status"] == "finished"
    assert "Not measured" not in (out / "gpu.md").read_text()
