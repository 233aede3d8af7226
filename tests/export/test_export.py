"""A real export of a tiny model: merged, converted, loaded, asked."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.bases import add
from engine.cli.main import cli
from engine.cli.main import main as run_command
from engine.errors import (
    AdapterInvalid,
    DiskFull,
    ExportError,
    QuantUnknown,
    RunActive,
    RunMissing,
    RunUnfinished,
)
from engine.export import room
from engine.export.artifacts import artifacts
from engine.export.keeping import plan_cleaning
from engine.export.spec import load_spec
from engine.export.start import Options, start
from engine.runs import find, launch, read_events, request_stop, state, wait_until_gone
from engine.runs.events import EventLog
from engine.runs.process import read_process
from engine.serve.header import read_header
from engine.workspace import Workspace, open_workspace
from tests.support.tiny_export import HELD_OUT, RUN, make_adapter, make_run
from tests.support.trusting import trusted
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_gates")]


def ended(job: Path) -> Any:
    wait_until(lambda: not state(job).active, timeout=300, what="the export")
    return state(job)


def test_the_result_names_files_that_answer(finished_export: Path) -> None:
    job = finished_export / "runs" / RUN / "exports" / "f16"
    result: Any = state(job).result
    assert result["prompt"] == HELD_OUT
    for side in ("base", "tuned"):
        told = result[side]
        assert Path(told["path"]).stat().st_size == told["bytes"]
        assert told["answer"].strip()
        assert told["tokens"] > 0
        assert told["tokens_per_s"] > 0
    assert state(job).warnings == ()
    told = [event.data for event in read_events(job)[0] if event.type == "phase"]
    phases = [data["phase"] for data in told]
    # How far the whole is, which never falls back from one stage to the next.
    steps = [int(str(data["step"])) for data in told]
    assert steps == sorted(steps)
    assert steps[0] == 0 < steps[-1]
    assert list(dict.fromkeys(phases)) == [
        "merge the adapter",
        "convert to f16",
        "convert the base to f16",
        "see whether the files answer",
        "compare tokens with those of the training",
        "compare the files with what was trained",
        "see whether answers end",
        "look for what was learnt by heart",
    ]
    # The dataset has no name or number that only it says, so nothing can be recalled.
    assert {gate["name"]: gate["state"] for gate in result["gates"]} == {
        "answers": "passed",
        "tokens": "passed",
        "fidelity": "passed",
        "stops": "passed",
        "recall": "skipped",
    }


def test_both_files_differ_in_weights_alone(finished_export: Path) -> None:
    with open_workspace(finished_export) as workspace:
        (info,) = artifacts(workspace, RUN)
    tuned, base = read_header(info.tuned), read_header(info.base)
    assert tuned.tensors == base.tensors
    assert tuned.lengths == base.lengths
    differing = {key for key in tuned.metadata if tuned.metadata[key] != base.metadata.get(key)}
    assert all(key.startswith("general.") for key in differing)
    assert info.tuned.read_bytes()[tuned.data_start :] != info.base.read_bytes()[base.data_start :]


def test_the_merged_model_is_base_plus_adapter(finished_export: Path) -> None:
    import torch
    from safetensors.torch import load_file

    run, base_dir = finished_export / "runs" / RUN, finished_export.parent / "base"
    merged = load_file(run / "merged" / "model.safetensors")
    base = load_file(base_dir / "model.safetensors")
    adapter = load_file(run / "adapter" / "adapter_model.safetensors")
    name = "model.layers.1.self_attn.q_proj"
    a = adapter[f"base_model.model.{name}.lora_A.weight"]
    b = adapter[f"base_model.model.{name}.lora_B.weight"]
    wanted = (base[f"{name}.weight"].float() + 8 / 4 * (b @ a)).to(torch.float16)
    assert torch.equal(merged[f"{name}.weight"], wanted)
    untouched = "model.layers.1.mlp.up_proj.weight"
    assert torch.equal(merged[untouched], base[untouched])
    for file in ("tokenizer.json", "tokenizer_config.json"):
        assert (run / "merged" / file).read_bytes() == (base_dir / file).read_bytes()


def test_nothing_is_left_but_what_is_finished(finished_export: Path) -> None:
    files = [path for path in finished_export.parent.rglob("*") if path.is_file()]
    assert not [path for path in files if path.name.endswith((".tmp", ".jinja"))]
    ggufs = {path.name for path in files if path.suffix == ".gguf"}
    assert ggufs == {"f16.gguf", f"{RUN}-f16.gguf"}


def test_the_modelfile_stands_beside_the_file(finished_export: Path) -> None:
    job = finished_export / "runs" / RUN / "exports" / "f16"
    text = (job / "Modelfile").read_text("utf-8")
    assert text.startswith(f"FROM ./{RUN}-f16.gguf\n")
    assert (job / f"{RUN}-f16.gguf").is_file()
    assert 'PARAMETER stop "<|im_end|>"' in text


def test_another_quantisation_uses_what_is_there(own: Workspace) -> None:
    with own as workspace:
        made = workspace.runs_dir / RUN / "merged" / "model.safetensors"
        before = made.stat().st_mtime_ns
        f16 = workspace.runs_dir / RUN / f"{RUN}-f16.gguf.json"
        assert json.loads(f16.read_text())["kept"] is True
        f16.write_text(json.dumps(json.loads(f16.read_text()) | {"kept": False}))
        job = start(workspace, RUN, "Q4-K-M,q8_0", options=Options(keep="merged"))
        with pytest.raises(RunActive):
            start(workspace, RUN, ["q8_0", "q4_k_m"])
        assert ended(job).status == "finished", state(job).message
        assert made.stat().st_mtime_ns == before
        found = artifacts(workspace, RUN)
    assert [info.quant for info in found] == ["q4_k_m", "q8_0", "f16"]
    result: Any = state(job).result
    assert [file["quant"] for file in result["files"]] == ["q4_k_m", "q8_0"]
    for file in result["files"]:
        written = Path(file["path"]).read_bytes()
        assert hashlib.sha256(written).hexdigest() == file["sha256"]
        assert file["sha256"] in Path(result["card"]).read_text()
    # The f16 was only needed on the way.
    assert [Path(gone["path"]).name for gone in result["removed"]] == [f"{RUN}-f16.gguf"]
    assert not Path(result["removed"][0]["path"]).exists()
    assert not list(job.glob(".*"))
    newest = found[0]
    assert newest.tuned_bytes < found[1].tuned_bytes
    kinds = {item.kind for item in read_header(newest.tuned).tensors}
    assert kinds == {item.kind for item in read_header(newest.base).tensors}
    assert newest.rates["tuned"] > 0
    # Asked again without --keep, what was kept stays: runs clean alone removes it.
    with own as workspace:
        wait_until_gone(job)
        job = start(workspace, RUN, "q4_k_m,q8_0")
        assert ended(job).status == "finished", state(job).message
        assert made.stat().st_mtime_ns == before
        assert (state(job).result or {})["removed"] == []
        assert "--keep merged" not in (job / "card.md").read_text()
        cleaned = plan_cleaning(workspace, find(workspace, RUN)).goes
        assert made.parent in {part.path for part in cleaned}


def test_a_file_that_was_cut_is_no_export(own: Workspace) -> None:
    with own as workspace:
        (info,) = artifacts(workspace, RUN)
        os.truncate(info.tuned, info.tuned_bytes - 1)
        assert artifacts(workspace, RUN) == []


def test_a_finished_export_is_there_while_it_is_repeated(own: Workspace) -> None:
    job = own.root / "runs" / RUN / "exports" / "f16"
    (before,) = artifacts(own, RUN)
    log, process = EventLog(job), read_process(job)
    assert process is not None
    who = {"pid": process.pid, "pid_start": process.start_time}
    log.write("run_started", **who)
    assert artifacts(own, RUN) == [before]
    # A new file under its name is another's, until the repetition has ended.
    found = before.tuned.stat()
    os.utime(before.tuned, (found.st_atime, before.at + 5))
    assert artifacts(own, RUN) == []
    os.utime(before.tuned, (found.st_atime, found.st_mtime))
    log.write("run_finished", status="stopped")
    assert artifacts(own, RUN) == [before]
    log.write("run_started", **who)
    log.write("run_finished", status="failed", code="gate-failed", message="no", hint="")
    assert artifacts(own, RUN) == []
    log.close()


def test_a_broken_adapter_is_named_and_leaves_nothing(own: Workspace) -> None:
    with own as workspace:
        run = workspace.runs_dir / RUN
        shutil.rmtree(run / "exports")
        adapter = run / "adapter" / "adapter_model.safetensors"
        adapter.write_bytes(adapter.read_bytes()[:-10])
        with pytest.raises(AdapterInvalid) as caught:  # before a process begins
            start(workspace, RUN, "f16")
        assert "adapter_model.safetensors" in caught.value.message
        assert caught.value.hint
        assert artifacts(workspace, RUN) == []
        assert not (run / "exports").exists()


def test_numbers_that_are_none_are_not_exported(own: Workspace) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    with own as workspace:
        path = workspace.runs_dir / RUN / "adapter" / "adapter_model.safetensors"
        tensors = load_file(path)
        next(iter(tensors.values()))[0, 0] = torch.nan
        save_file(tensors, path, {"format": "pt"})
        view = ended(start(workspace, RUN, "f16"))
        assert (view.status, view.code) == ("failed", "adapter-invalid")


def test_a_stop_leaves_nothing(own: Workspace) -> None:
    with own as workspace:
        run = workspace.runs_dir / RUN
        shutil.rmtree(run / "merged")
        job = start(workspace, RUN, "q8_0")
        wait_until(lambda: state(job).phase == "merge the adapter")
        assert request_stop(job)
        assert ended(job).status == "stopped"
        assert not list(job.glob("*.gguf"))
        assert not (run / "merged").exists()


def test_a_tokenizer_that_the_converter_does_not_know_is_named(
    tmp_path: Path, tiny_model_dir: Path, workspace: Workspace
) -> None:
    base = add(str(tiny_model_dir))
    make_run(workspace.runs_dir / RUN, tiny_model_dir, base=base.name)
    trusted(workspace.root)
    view = ended(start(workspace, RUN, "f16"))
    assert (view.status, view.code) == ("failed", "export-error")
    assert "tokenizer" in view.message
    assert "another base" in view.hint


def test_a_base_that_changed_is_named(own: Workspace) -> None:
    with own as workspace:
        run = workspace.runs_dir / RUN
        with (run / "spec.toml").open("a") as spec:
            spec.write('base_fingerprint = "b2-other"\n')
        with pytest.raises(ExportError, match="has changed"):
            start(workspace, RUN, "f16")


def test_what_can_be_known_is_said_before_anything_starts(
    own: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own as workspace:
        with pytest.raises(QuantUnknown):
            start(workspace, RUN, "q4_k")
        with pytest.raises(RunMissing):
            start(workspace, "none", "f16")
        monkeypatch.setattr(room, "require_free", _full)
        with pytest.raises(DiskFull) as caught:
            start(workspace, RUN, "q6_k")
        # Without --dry-run, that command removes at once.
        assert "finetui runs clean --all --dry-run" in caught.value.hint
        assert not (workspace.runs_dir / RUN / "exports" / "q6_k").exists()


def test_small_amounts_are_said_in_their_own_units(
    own: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is 3.5 MB; in gigabytes that would be 0.0, of 0.0 that are free."""
    usage = type(shutil.disk_usage("/"))(50_000_000, 48_800_000, 1_200_000)
    monkeypatch.setattr("engine.paths.shutil.disk_usage", lambda path: usage)
    with own as workspace, pytest.raises(DiskFull) as caught:
        start(workspace, RUN, "q6_k")
    assert "0.0" not in caught.value.message
    assert "has 1.2 MB free" in caught.value.message


def _full(folder: Path, needed: int, what: str) -> None:
    raise DiskFull(f"{what} needs {needed} bytes")


def test_a_run_without_an_adapter_is_named(own: Workspace) -> None:
    with own as workspace:
        shutil.rmtree(workspace.runs_dir / RUN / "adapter")
        with pytest.raises(RunUnfinished, match="no adapter"):
            start(workspace, RUN)


def test_a_run_that_trains_still_is_not_exported(own: Workspace) -> None:
    with own as workspace:
        run = workspace.runs_dir / RUN
        log = EventLog(run)
        log.write("run_started", pid=0)
        log.close()
        launch(run, "tests.support.jobs", ["steps"])
        try:
            with pytest.raises(RunActive):
                start(workspace, RUN)
        finally:
            request_stop(run)
            wait_until(lambda: not state(run).active)


def test_default_is_what_fits_the_base(own: Workspace) -> None:
    with own as workspace:
        job = start(workspace, RUN)
        request_stop(job)
        ended(job)
        assert load_spec(job).quants == ("f16",)


def test_the_verb_follows_to_the_end_with_the_best_adapter(
    own: Workspace, finished_export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The best is taken, of a run that got worse and never was better than its base."""
    from safetensors.torch import load_file

    base_dir = finished_export.parent / "base"
    run = keep_best(own.runs_dir / RUN, base_dir)
    root = str(own.root)
    own.close()
    assert (
        run_command(
            ["export", RUN, "--quant", "q8_0", "--keep", "merged", "--json", "--workspace", root]
        )
        == 0
    )
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert result["quant"] == "q8_0"
    assert Path(result["tuned"]["path"]).is_file()
    assert (result["adapter"], result["step"], result["verdict"]) == ("best", 60, "worse-than-base")
    assert f"run {RUN} never beat its base: 3.400 at best (step 60)" in printed.err
    text = (run / "exports" / "q8_0" / "Modelfile").read_text()
    assert ": the best adapter, of step 60\n" in text
    name = "model.layers.1.self_attn.q_proj.weight"
    merged = load_file(run / "merged" / "model.safetensors")[name]
    with open_workspace(Path(root)) as workspace:
        newest, former = artifacts(workspace, RUN)
        assert (newest.adapter_words, former.adapter_words) == ("best, step 60", "last")
        wait_until_gone(run / "exports" / "q8_0")
        job = start(workspace, RUN, "q8_0", "last")
        request_stop(job)
        ended(job)
        assert load_spec(job).adapter == run / "adapter"
    expected = {}
    for which in ("best", "adapter"):
        adapter = load_file(run / which / "adapter_model.safetensors")
        part = f"base_model.model.{name.removesuffix('.weight')}"
        sides = adapter[f"{part}.lora_B.weight"] @ adapter[f"{part}.lora_A.weight"]
        base = load_file(base_dir / "model.safetensors")[name]
        expected[which] = (base.float() + 8 / 4 * sides).to(merged.dtype)
    assert bool((merged == expected["best"]).all())
    assert not bool((merged == expected["adapter"]).all())
    assert run_command(["export", RUN, "--quant", "q9", "--workspace", root]) == 1
    assert "quant-unknown" in capsys.readouterr().err


def keep_best(run: Path, base: Path) -> Path:
    """Give a run a best adapter, and the evaluations of one that never beat its base."""
    make_adapter(base, run / "best", seed=5)
    (run / "best" / "best.json").write_text('{"v": 1, "step": 60, "loss": 3.4}')
    with EventLog(run) as log:
        log.write("run_started", pid=1)
        for step, loss in ((0, 3.3), (60, 3.4), (90, 3.6)):
            log.write("eval", step=step, loss=loss, best=step == 60)
        log.write("run_finished", status="finished", result={})
    return run


def test_quants_are_listed(own: Workspace) -> None:
    root = str(own.root)
    own.close()
    outcome = CliRunner().invoke(cli, ["export", "x", "--list-quants", "--workspace", root])
    assert "q4_k_m" in outcome.output


@pytest.fixture
def useless(
    own: Workspace, finished_export: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], Path]:
    """Give a call that exports an adapter that adds nothing, and the folder of its files."""
    monkeypatch.setenv("FINETUI_GATES__OFF", '["tokens", "stops", "recall"]')
    make_adapter(finished_export.parent / "base", own.runs_dir / RUN / "adapter", seed=1, scale=0.0)
    own.close()
    call = ["export", RUN, "--quant", "q8_0", "--json", "--workspace", str(own.root)]
    return call, own.runs_dir / RUN / "exports" / "q8_0"


def test_a_gate_that_fails_publishes_nothing(
    useless: tuple[list[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    call, job = useless
    assert run_command(call) == 1
    said = capsys.readouterr().err
    assert "[gate-failed]" in said
    assert "--allow fidelity" in said
    assert not list(job.glob("*.gguf"))
    assert "fidelity | failed" in (job / "card.md").read_text("utf-8")


@pytest.mark.nightly
def test_a_gate_that_fails_is_allowed_by_name(
    useless: tuple[list[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    call, job = useless
    assert run_command([*call, "--allow", "tokens"]) == 1
    capsys.readouterr()
    events = job / "events.jsonl"
    assert "compare the files with what was trained" in events.read_text("utf-8")
    events.unlink()
    assert run_command([*call, "--allow", "fidelity"]) == 0
    # What the gates found of the very same files holds.
    assert "compare the files with what was trained" not in events.read_text("utf-8")
    assert not (job / "gates-refused.json").exists()
    states = {gate["name"]: gate["state"] for gate in json.loads(capsys.readouterr().out)["gates"]}
    assert (states["answers"], states["fidelity"]) == ("passed", "overridden")
    assert [path.name for path in job.glob("*.gguf")] == [f"{RUN}-q8_0.gguf"]
