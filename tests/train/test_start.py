"""What is checked and told before anything heavy begins."""

from __future__ import annotations

import json
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.errors import (
    BaseMissing,
    DatasetMissing,
    DatasetRefused,
    DependencyMissing,
    DiskFull,
    RunActive,
    RunError,
    RunMissing,
)
from engine.runs import EventLog, RunView, runs
from engine.runs.locks import gpu_lock
from engine.telemetry import Gpu, Snapshot
from engine.train import (
    TrainSpec,
    base_and_preset,
    changed,
    default_base,
    default_preset,
    leaves_when_stopped,
    load_spec,
    make_spec,
    newest_dataset,
    phases,
    plan,
    resume,
    start,
)
from engine.train.fit.asking import here
from engine.train.gpu import GpuProblem
from engine.train.reporting import PACKAGES
from engine.train.spec import write_spec
from engine.train.start import check_machine
from engine.workspace import Workspace, open_workspace
from tests.support.datasets import freeze_examples

pytestmark = pytest.mark.usefixtures("prepared")


@pytest.fixture
def prepared(workspace: Workspace, tiny_model_dir: Path) -> None:
    freeze_examples(workspace, tiny_model_dir)


def spec_of(tiny_model_dir: Path, dataset: str = "notes", **changes: object) -> TrainSpec:
    return make_spec(str(tiny_model_dir), dataset, "small-cpu", **changes)


def test_a_plan_counts_examples_tokens_and_steps(
    workspace: Workspace, tiny_model_dir: Path
) -> None:
    outline = plan(workspace, spec_of(tiny_model_dir, epochs=2.0, load_in_4bit=True))
    assert (outline.examples, outline.validation) == (48, 12)
    assert 0 < outline.trained_tokens < outline.tokens
    assert outline.steps == 48
    assert (outline.backend, outline.minutes, outline.sampled) == ("trl", None, False)
    assert outline.device.startswith("processor")
    assert outline.notes == ()
    assert outline.bits == 4
    assert outline.why == "no GPU: unsloth is not faster on a CPU"
    # r (m + n) for each of the seven linear layers of two blocks.
    widths = (64 + 64) * 2 + (64 + 32) * 2 + (64 + 128) * 3
    assert outline.trainable == 16 * 2 * widths


def test_a_plan_takes_its_minutes_from_an_earlier_run(
    workspace: Workspace, tiny_model_dir: Path
) -> None:
    """Its steps trained 100 tokens a second, and each evaluation took 0.6 s and samples 0.9 s."""
    spec = spec_of(tiny_model_dir)
    earlier = workspace.runs_dir / "20260101-000000-aaaa"
    earlier.mkdir(parents=True)
    write_spec(earlier, changed(spec, sample_tokens=24))
    with EventLog(earlier) as log:
        log.write("run_started", pid=1)
        for step in (0, 5):
            log.write("eval", step=step, loss=3.0, rows=6, of=6, seconds=0.3)
            log.write("sample", step=step, answers=[], seconds=0.45)
        result = {"tokens_per_s": 100.0, "device": "processor, 2 threads"}
        log.write("run_finished", status="finished", result=result)

    def extra(**changes: object) -> float:
        """Return the seconds beside those of steps."""
        outline = plan(workspace, changed(spec, **changes))
        assert outline.minutes is not None
        return outline.minutes * 60 - outline.tokens * outline.steps / 24 / 100

    # 24 steps an epoch, 12 rows held out: base, every fourth step but the last, and the end.
    assert extra(eval_steps=4) == pytest.approx(7 * (0.6 + 0.9))
    assert extra(eval_steps=4, sample_tokens=0) == pytest.approx(7 * 0.6)
    # By time: three between base and end, which take more than a tenth here.
    assert extra() == pytest.approx(5 * (0.6 + 0.9))
    assert extra(epochs=2.0, eval_steps=100) == pytest.approx(2 * (0.6 + 0.9))


def test_a_cut_off_example_is_told(workspace: Workspace, tiny_model_dir: Path) -> None:
    notes = plan(workspace, spec_of(tiny_model_dir, max_length=64)).notes
    assert any("cut off" in note for note in notes)


def test_what_is_missing_is_named_before_a_run_is_made(
    workspace: Workspace, tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(tiny_model_dir)
    with pytest.raises(DatasetMissing):
        start(workspace, spec_of(tiny_model_dir, "other"))
    with pytest.raises(BaseMissing):
        start(workspace, make_spec("llama-3.1-8b", "notes", "seed-7b"))
    with monkeypatch.context() as patch:
        for package in ("unsloth", "bitsandbytes"):  # as if they were not there
            patch.setitem(sys.modules, package, None)
        for fields, missing in (
            ({"backend": "unsloth"}, "unsloth is not installed"),
            ({"load_in_4bit": True}, "4 bits needs bitsandbytes"),
            ({"load_in_8bit": True}, "8 bits needs bitsandbytes"),
        ):
            asked = spec_of(tiny_model_dir, **fields)
            with pytest.raises(DependencyMissing, match=missing):
                start(workspace, asked)
            assert any(missing in note for note in plan(workspace, asked).notes)
    with pytest.raises(RunMissing):
        resume(workspace, "none")
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    with pytest.raises(DiskFull, match="the run needs"):
        start(workspace, spec)
    assert runs(workspace) == []


def test_a_dataset_that_was_changed_is_refused(workspace: Workspace, tiny_model_dir: Path) -> None:
    file = workspace.datasets_dir / "notes" / "train.jsonl"
    file.chmod(0o644)
    file.write_text(file.read_text() + "\n{}\n")
    with pytest.raises(DatasetRefused):
        start(workspace, spec_of(tiny_model_dir))


def test_a_gpu_that_can_not_train_does_not_size_the_run(
    workspace: Workspace, tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan says that the CPU trains, and a start goes by the same."""
    card = Gpu(index=0, name="GTX 680", uuid="GPU-1", vram_total=2**20)
    machine = Snapshot(None, None, None, None, (card,))
    problem = GpuProblem("driver-too-old", "its driver is too old", "install a newer one")
    for module in ("engine.train.start", "engine.train.plan", "engine.train.fit.asking"):
        monkeypatch.setattr(sys.modules[module], "snapshot", lambda path: machine)
        monkeypatch.setattr(sys.modules[module], "known_problem", lambda: problem)
    spec = spec_of(tiny_model_dir)
    assert check_machine(workspace, spec, tiny_model_dir, queue=False) == ()
    assert not here(workspace).cuda
    assert plan(workspace, spec).device.startswith("processor")
    monkeypatch.setattr(sys.modules["engine.train.start"], "known_problem", lambda: None)
    assert check_machine(workspace, spec, tiny_model_dir, queue=False) == (card,)


def test_a_card_that_is_held_is_not_taken(
    workspace: Workspace, tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = Gpu(index=0, name="RTX 5070", uuid="GPU-1")
    machine = Snapshot(None, None, None, None, (card,))
    monkeypatch.setattr(sys.modules["engine.train.start"], "snapshot", lambda _: machine)
    with (
        gpu_lock("GPU-1", "/elsewhere/runs/1", wait=lambda _: None),
        pytest.raises(RunActive, match="/elsewhere/runs/1"),
    ):
        start(workspace, spec_of(tiny_model_dir))
    assert runs(workspace) == []


def test_a_finished_run_is_not_resumed(workspace: Workspace, tiny_model_dir: Path) -> None:
    directory = workspace.runs_dir / "20260101-000000-aaaa"
    directory.mkdir(parents=True)
    write_spec(directory, spec_of(tiny_model_dir))
    with EventLog(directory) as log:
        log.write("run_started", pid=1)
        log.write("run_finished", status="finished", result={})
    with pytest.raises(RunError, match="finished"):
        resume(workspace, "last")


def test_a_run_without_a_checkpoint_is_not_resumed(
    workspace: Workspace, tiny_model_dir: Path
) -> None:
    directory = workspace.runs_dir / "20260101-000000-aaaa"
    directory.mkdir(parents=True)
    write_spec(directory, spec_of(tiny_model_dir))
    with EventLog(directory) as log:
        log.write("run_started", pid=1)
        log.write("run_finished", status="stopped", result={})
    with pytest.raises(RunError, match="no checkpoint to resume from"):
        resume(workspace, "last")


@pytest.mark.parametrize(
    ("phase", "leaves"),
    [
        ("", "nothing"),
        (phases.READING, "nothing"),
        (phases.LOADING, "nothing"),
        (phases.JUDGING_BASE, "nothing"),
        ("waiting for the GPU", "nothing"),
        (phases.TRAINING, "checkpoint"),
        (phases.EVALUATING, "checkpoint"),
        (phases.SAVING, "adapter"),
    ],
)
def test_what_stopping_leaves_hangs_on_the_phase(phase: str, leaves: str) -> None:
    assert leaves_when_stopped(RunView(status="running", phase=phase)) == leaves


def test_the_form_and_the_verb_start_from_the_same(
    workspace: Workspace, tiny_model_dir: Path
) -> None:
    assert newest_dataset(workspace) == "notes"
    assert default_base(workspace) == "smollm2-135m-instruct"
    assert default_preset(workspace, default_base(workspace)) == "small-cpu"
    # A base that is known and would be downloaded has a preset all the same.
    assert default_preset(workspace, "mistral-7b") == "mistral-7b"
    assert default_preset(workspace, str(tiny_model_dir))
    with pytest.raises(BaseMissing):
        default_preset(workspace, "./nowhere")


def test_a_preset_brings_its_base_unless_one_is_named(workspace: Workspace) -> None:
    embedded = "smollm2-135m-instruct"
    assert base_and_preset(workspace) == (embedded, "small-cpu")
    assert base_and_preset(workspace, preset="llama3-8b") == ("llama-3.1-8b", "llama3-8b")
    assert base_and_preset(workspace, preset="RTX 5070") == ("llama-3.1-8b", "12gb")
    assert base_and_preset(workspace, "qwen3-4b", "llama3-8b") == ("qwen3-4b", "llama3-8b")
    assert base_and_preset(workspace, "qwen3-4b") == ("qwen3-4b", "qwen3-4b")
    assert base_and_preset(workspace, preset="seed-7b") == (embedded, "seed-7b")
    for wanted, found in (("rtx-5070", ("llama-3.1-8b", "12gb")), ("qlora", (embedded, "qlora"))):
        settings = f'[training]\npreset = "{wanted}"\n'
        (workspace.root / "finetui.toml").write_text(settings)
        with open_workspace(workspace.root) as again:
            assert base_and_preset(again) == found


@pytest.mark.parametrize(
    ("words", "near", "code", "status"),
    [
        (["--preset", "lama3-8b"], "did you mean llama3-8b", "usage", 2),
        (["--preset", "rtx-5080"], "did you mean rtx-5070?", "usage", 2),
        (["--base", "qwen3-4"], "did you mean qwen3-4b", "base-missing", 1),
        (["--preset", "mistral-7b"], "finetui bases add mistral-7b", "base-missing", 1),
    ],
)
def test_a_name_with_a_slip_is_a_named_error_with_the_near_ones(
    workspace: Workspace,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    near: str,
    code: str,
    status: int,
) -> None:
    asked = ["train", "--plan", "--workspace", str(workspace.root), *words]
    assert main([*asked, "--json"]) == status
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == code
    assert near in error["hint"]
    assert main(asked) == status
    assert near in capsys.readouterr().err


def test_the_command_says_what_a_run_would_be(
    workspace: Workspace, tiny_model_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--workspace", str(workspace.root), "--base", str(tiny_model_dir)]
    assert main([*words, "--plan", "--json", "--preset", "small-cpu", "--epochs", "1"]) == 0
    outline = json.loads(capsys.readouterr().out)
    assert (outline["examples"], outline["steps"]) == (48, 24)
    assert main([*words, "--plan", "--target-modules", "q_proj, v_proj"]) == 0
    assert "48, and 12 held out" in capsys.readouterr().out
    assert main([*words, "--lr", "7"]) == 1
    assert "learning_rate" in capsys.readouterr().err
    assert main([*words, "--epochs", "1e300"]) == 1
    assert "at most 1,000" in capsys.readouterr().err
    assert main([*words, "--dataset", "other"]) == 1
    assert "[dataset-missing]" in capsys.readouterr().err
    assert main(["runs", "list", "--workspace", str(workspace.root)]) == 0
    assert "no runs yet" in capsys.readouterr().out


def test_prompts_of_the_command_keep_their_commas(
    workspace: Workspace, tiny_model_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--workspace", str(workspace.root), "--base", str(tiny_model_dir)]
    asked = ["--sample-prompt", "Well, and then?", "--sample-prompt", "What of rain?"]
    assert main([*words, "--prepare", "--json", *asked]) == 0
    run = json.loads(capsys.readouterr().out)["id"]
    assert load_spec(workspace.runs_dir / run).sample_prompts == (asked[1], asked[3])


def test_the_plan_names_a_package_that_reporting_lacks(
    workspace: Workspace, tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PACKAGES, "wandb", "a_package_that_is_not_installed")
    spec = spec_of(tiny_model_dir, report_to="wandb")
    with pytest.raises(DependencyMissing) as caught:
        start(workspace, spec)
    notes = plan(workspace, spec).notes
    assert f"{caught.value.message}; {caught.value.hint}" in notes
    assert not any("wandb" in one for one in plan(workspace, changed(spec, report_to="none")).notes)
