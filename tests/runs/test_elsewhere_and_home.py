"""A run that is prepared here, trained on another machine, and exported at home again, for real."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engine.bases import add
from engine.cli.main import main
from engine.export.artifacts import artifacts
from engine.export.start import check_run
from engine.export.start import start as start_export
from engine.runs import RunView, find, last_log_lines, state
from engine.train import load_spec
from engine.workspace import Workspace, init_workspace, open_workspace
from tests.support.datasets import freeze_examples
from tests.support.tiny_export import make_convertible_model
from tests.support.waiting import wait_until


def ended(directory: Path) -> RunView:
    wait_until(lambda: not state(directory).active, timeout=600, what="the end")
    view = state(directory)
    assert view.status == "finished", (view.message, *last_log_lines(directory, 20))
    return view


def other_machine(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))


@pytest.mark.slow
def test_prepared_here_trained_elsewhere_and_home_again(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], tiny_model_dir: Path,
) -> None:  # fmt: skip
    there_and_back(workspace, tiny_model_dir, tmp_path, monkeypatch, capsys)
    check_run(find(workspace, "last"))


@pytest.mark.nightly
def test_what_came_home_is_exported_and_cleaned(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    base = make_convertible_model(tmp_path / "models" / "tiny")
    there_and_back(workspace, base, tmp_path, monkeypatch, capsys)
    home = find(workspace, "last")
    job = start_export(workspace, home.id, "f16")
    ended(job)
    assert [info.quant for info in artifacts(workspace, home.id)] == ["f16"]
    capsys.readouterr()
    assert main(["runs", "clean", "last", "--json", "--workspace", str(workspace.root)]) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] > 0
    assert not (home.dir / "merged").exists()
    assert [info.quant for info in artifacts(workspace, home.id)] == ["f16"]


def there_and_back(
    workspace: Workspace, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Prepare a run, train it on another machine, and bring it home."""
    add(str(base))
    freeze_examples(workspace, base, 12)
    here = ["--json", "--workspace", str(workspace.root)]
    words = [f"--base={base}", "--preset=small-cpu", "--max-length=64", "--save-steps=2"]
    words += ["--max-steps=4", "--sample-tokens=0"]
    assert main(["train", "--prepare", *words, *here]) == 0
    run_id = json.loads(capsys.readouterr().out)["id"]
    there_file, home_file = tmp_path / "there.zip", tmp_path / "home.zip"
    assert main(["runs", "pack", "last", "--out", str(there_file), *here]) == 0

    with monkeypatch.context() as patch:
        other_machine(patch, tmp_path / "elsewhere")
        copy = tmp_path / "elsewhere" / "models" / "tiny-copy"
        shutil.copytree(base, copy)  # the same files, under another name and in another place
        add(str(copy))
        root = init_workspace(tmp_path / "elsewhere" / "workspace")
        there = ["--json", "--workspace", str(root)]
        assert main(["runs", "import", str(there_file), *there]) == 0
        assert main(["runs", "start", "last", "--queue", *there]) == 0
        with open_workspace(root) as far:
            trained = ended(find(far, "last").dir)
            assert load_spec(find(far, "last").dir).base_dir == str(copy)
        assert trained.losses
        assert trained.checkpoints
        assert main(
            ["runs", "pack", "last", "--with-checkpoints", "--out", str(home_file), *there]
        ) == 0  # fmt: skip

    capsys.readouterr()
    assert main(["runs", "import", str(home_file), *here]) == 0
    assert json.loads(capsys.readouterr().out)["how"] == "home"
    home = find(workspace, "last")
    assert home.id == run_id
    for name in ("losses", "evals", "checkpoints", "result", "samples", "lrs", "started", "ended"):
        assert getattr(home.view, name) == getattr(trained, name), name
    assert load_spec(home.dir).base_dir == str(base)
    assert main(["runs", "list", *here]) == 0
    assert json.loads(capsys.readouterr().out)[0]["status"] == "finished"
