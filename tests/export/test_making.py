"""Exports end to end on a tiny model: the same bytes, going on after an end, full disks, places."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gguf import GGUFReader

from engine.cli.main import main as run_command
from engine.errors import ExportError, ExportTooLarge, ImatrixMissing, UpdateRefused, UsageError
from engine.export import room
from engine.export.artifacts import artifacts
from engine.export.models_dir import require_models_dir
from engine.export.quants import QUANTS
from engine.export.spec import ExportSpec, Update, load_spec, write_spec
from engine.export.start import Options, folder_name, start
from engine.runs import read_events, state, wait_until_gone
from engine.runs.process import read_process
from engine.serve.header import read_header
from engine.workspace import Workspace, open_workspace
from tests.support.tiny_export import RUN
from tests.support.trusting import trusted
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

NAME = "notes-base-abcd"
"""Made of the dataset, the base and the end of the run's id."""


@pytest.fixture
def few_gates(own: Workspace) -> Path:
    """Return the exported workspace's folder, with the quickest gate alone: tests/export/gates."""
    root = own.root
    own.close()
    with (root / "finetui.toml").open("a") as settings:
        settings.write('\n[gates]\noff = ["tokens", "fidelity", "stops", "recall"]\n')
    return trusted(root)


def ended(job: Path) -> Any:
    wait_until(lambda: not state(job).active, timeout=300, what="the export")
    return state(job)


def phases(job: Path) -> list[str]:
    told = (event.data.get("phase") for event in read_events(job)[0] if event.type == "phase")
    return list(dict.fromkeys(str(phase) for phase in told))


def test_a_file_says_what_it_is_and_not_where_it_was_made(finished_export: Path) -> None:
    job = finished_export / "runs" / RUN / "exports" / "f16"
    data = load_spec(job).tuned_file(job)
    told = read_header(data).metadata
    assert told["general.name"] == NAME
    assert told["general.basename"] == "base"
    assert told["general.version"] == RUN
    assert told["general.base_model.0.name"] == "base"
    assert told["general.dataset.0.name"] == "notes"
    assert str(told["general.quantized_by"]).startswith("finetui ")
    for place in (str(finished_export.parent), "/tmp/", "finetui-convert-"):
        assert place.encode() not in data.read_bytes()


def test_killed_it_goes_on_and_makes_the_same_bytes_elsewhere(
    few_gates: Path, finished_export: Path
) -> None:
    run = few_gates / "runs" / RUN
    first = finished_export / "runs" / RUN / "exports" / "f16"
    cache = load_spec(first).base_file.relative_to(finished_export.parent)
    base = few_gates.parent / cache
    for path in (run / "exports", run / "merged"):
        shutil.rmtree(path)
    for path in (run / f"{RUN}-f16.gguf", base):
        path.unlink()
    with open_workspace(few_gates) as workspace:
        told = Options(keep="merged")
        job = start(workspace, RUN, "f16", options=told)
        wait_until(lambda: "convert to f16" in phases(job), timeout=200)
        process = read_process(job)
        assert process is not None
        os.killpg(process.pid, signal.SIGKILL)
        wait_until_gone(job)
        made = run / "merged" / "model.safetensors"
        before = made.stat().st_ino, made.stat().st_mtime_ns
        assert artifacts(workspace, RUN) == []
        again = start(workspace, RUN, "f16", options=told)
        assert ended(again).status == "finished", state(job).message
        assert (made.stat().st_ino, made.stat().st_mtime_ns) == before
        (info,) = artifacts(workspace, RUN)
    theirs = load_spec(first)
    assert info.tuned.read_bytes() == theirs.tuned_file(first).read_bytes()
    assert base.read_bytes() == (finished_export.parent / cache).read_bytes()
    left = {path.name for path in job.iterdir() if not path.name.startswith("process")}
    assert left >= {"card.md", "Modelfile", f"{RUN}-f16.gguf", f"{RUN}-f16.gguf.json"}
    assert not [name for name in left if name.endswith(".tmp")]


def test_the_verb_points_an_app_at_the_models_folder(
    few_gates: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, root = few_gates / "runs" / RUN, str(few_gates)
    merged = run / "merged" / "finetui-merge.json"
    merged.write_text(json.dumps(json.loads(merged.read_text()) | {"kept": False}))
    models, env, config = tmp_path / "models", tmp_path / ".env", tmp_path / "config.json"
    env.write_text("OLLAMA_MODEL=chirag-v1\n")
    config.write_text('{"llm": {"name": "old"}}\n')
    call = ["export", RUN, "--quant", "q2_k,q8_0", "--imatrix", "--models-dir", str(models)]
    call += ["--update", str(env), "OLLAMA_MODEL", "--json", "--workspace", root]
    assert run_command(call) == 0
    result = json.loads(capsys.readouterr().out)
    files = {file["quant"]: file for file in result["files"]}
    assert list(files) == ["q2_k", "q8_0"]
    assert {path.name for path in models.iterdir()} == {
        f"{NAME}-q2_k.gguf",
        f"{NAME}-q8_0.gguf",
    }
    for quant, file in files.items():
        placed = models / f"{NAME}-{quant}.gguf"
        assert file["model"] == str(placed)
        assert placed.samefile(file["path"])  # a second name, which takes no room
    assert env.read_text() == f"OLLAMA_MODEL={models / f'{NAME}-q2_k.gguf'}\n"
    assert (tmp_path / ".env.bak").read_text() == "OLLAMA_MODEL=chirag-v1\n"
    # Asked again, it makes nothing anew, and does what else it is told.
    call[-3:-3] = ["--update", str(config), "llm.name", "--update-value", "name"]
    before = {quant: Path(file["path"]).stat().st_ino for quant, file in files.items()}
    wait_until_gone(run / "exports" / "q8_0+q2_k")
    assert run_command(call) == 0
    again = json.loads(capsys.readouterr().out)
    assert {one["quant"]: Path(one["path"]).stat().st_ino for one in again["files"]} == before
    assert again["gates"] == result["gates"]
    assert json.loads(config.read_text()) == {"llm": {"name": NAME}}
    assert env.read_text() == f"OLLAMA_MODEL={NAME}\n"
    # llama.cpp's own form of an importance matrix, for every matrix of both layers.
    matrix = GGUFReader(result["imatrix"])
    assert matrix.fields["general.type"].contents() == "imatrix"
    assert matrix.fields["imatrix.datasets"].contents() == ["notes"]
    assert len(matrix.tensors) == 2 * 7 * 2
    assert phases(run / "exports" / "q8_0+q2_k")[:3] == [
        "compute the model's importance matrix",
        "quantise to q2_k",
        "quantise to q8_0",
    ]
    # Nothing of the way is left, and a later look finds both.
    assert not (run / "merged").exists()
    with open_workspace(Path(root)) as workspace:
        assert {info.quant for info in artifacts(workspace, RUN)} == {"q2_k", "q8_0", "f16"}


def test_a_disk_that_is_full_is_named_and_nothing_is_published(own: Workspace) -> None:
    with own as workspace:
        run = workspace.runs_dir / RUN
        spec = load_spec(run / "exports" / "f16")
        job = run / "exports" / "q8_0"
        update = {"quants": ("q8_0",), "run_dir": run, "cache_dir": own.root.parent / "gguf"}
        write_spec(spec.model_copy(update=update), job)
        command = [sys.executable, "-P", "-m", "engine.export.recipe", str(job)]
        # The file is 3.5 MB; the system refuses its second megabyte.
        child = subprocess.run(
            command,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
            capture_output=True,
            check=False,
        )
        view = state(job)
        assert (child.returncode, view.status, view.code) == (1, "failed", "limit-reached"), view
        assert "q8_0" in view.message
        assert "ulimit -f unlimited" in view.hint
        assert "free some space" not in view.hint
        assert not list(job.glob("*.gguf"))
        assert not list((job / ".staged.tmp").glob("*"))
        assert [info.quant for info in artifacts(workspace, RUN)] == ["f16"]


def test_what_an_export_can_not_do_is_said_before_it_starts(
    own: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own as workspace:
        with pytest.raises(ImatrixMissing, match="iq2_xs"):
            start(workspace, RUN, "iq2_xs,q8_0")
        with pytest.raises(UsageError, match="fidelitty") as caught:
            start(workspace, RUN, "q8_0", options=Options(allow=("fidelitty",)))
        assert "fidelity" in caught.value.hint
        update = Update(file=tmp_path / ".env", key="OLLAMA_MODEL")
        with pytest.raises(UpdateRefused):
            start(workspace, RUN, "q8_0", options=Options(updates=(update,)))
        (tmp_path / "file").touch()
        with pytest.raises(ExportError, match="models folder"):
            start(workspace, RUN, "q8_0", options=Options(models_dir=tmp_path / "file" / "models"))
        monkeypatch.setattr(room, "_LIBRARIES", 10**15)
        with pytest.raises(ExportTooLarge, match="GB of memory"):
            start(workspace, RUN, "q8_0")
        assert [path.name for path in (workspace.runs_dir / RUN / "exports").iterdir()] == ["f16"]


def test_a_file_of_somebody_else_is_not_replaced(finished_export: Path, tmp_path: Path) -> None:
    job = finished_export / "runs" / RUN / "exports" / "f16"
    spec = load_spec(job).model_copy(update={"models_dir": tmp_path / "models"})
    require_models_dir(spec)
    place = spec.models_file("f16")
    assert place is not None
    place.parent.mkdir()
    shutil.copy(spec.tuned_file(job), place)
    require_models_dir(spec)  # an earlier export of the same run
    place.write_bytes(b"a model of one's own")
    with pytest.raises(ExportError, match="not an export of run"):
        require_models_dir(spec)


def test_a_spec_of_an_earlier_version_is_read(finished_export: Path, tmp_path: Path) -> None:
    text = (finished_export / "runs" / RUN / "exports" / "f16" / "spec.toml").read_text()
    former = [
        line
        for line in text.replace("quants = [", "quant = [").splitlines()
        if line.partition(" = ")[0] in ExportSpec.model_fields
    ]
    (tmp_path / "spec.toml").write_text('quant = "q4_k_m"\n' + "\n".join(former).split("\n[")[0])
    spec = load_spec(tmp_path)
    assert (spec.quants, spec.quant) == (("q4_k_m",), "q4_k_m")


def test_a_folder_is_named_after_its_quantisations() -> None:
    assert folder_name(["q4_k_m"]) == "q4_k_m"
    assert folder_name(["q4_k_m", "q8_0"]) == folder_name(["q8_0", "q4_k_m"]) == "q8_0+q4_k_m"
    assert len(folder_name(list(QUANTS))) < 60
