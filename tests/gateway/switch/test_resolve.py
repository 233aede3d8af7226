"""What a server may load: files inside allowed folders, whatever links and names say."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from engine.errors import (
    ModelMissing,
    ModelOutside,
    QuantUnknown,
    RunMissing,
    RunUnfinished,
    UsageError,
    WorkspaceUntrusted,
)
from engine.gateway.resolve import Resolver, first_wanted
from engine.gateway.spec import ServeSpec, Wanted
from engine.runs.notes import set_name
from engine.serve.engines.base import EngineName
from engine.workspace import Workspace, open_workspace
from tests.support.tiny_export import RUN
from tests.support.tiny_gguf import file
from tests.support.trusting import trusted


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Return a folder that a server may load from, with one model."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "brief.gguf").write_bytes(file([], []))
    return folder


def resolver(
    root: Path, first: Path | None = None, *folders: Path, engine: EngineName | None = None
) -> Resolver:
    model = Wanted(path=str(first)) if first else Wanted(run="last")
    return Resolver(ServeSpec(root, model, folders=folders, engine=engine))


def test_a_file_beside_the_first_one_may_be_loaded(workspace: Workspace, models: Path) -> None:
    find = resolver(workspace.root, models / "brief.gguf")
    found = find(Wanted(path=str(models / "brief.gguf")))
    assert (found.id, found.path, found.run) == ("brief", models / "brief.gguf", "")
    (models / "newer.gguf").write_bytes(file([], []))
    assert find(Wanted(path=str(models / "newer.gguf"))).id == "newer"


def test_ways_out_of_the_allowed_folders_are_refused(
    workspace: Workspace, models: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    shutil.copy(models / "brief.gguf", secret / "brief.gguf")
    (models / "link.gguf").symlink_to(secret / "brief.gguf")
    (models / "folder").symlink_to(secret)
    (models / "down").mkdir()
    find = resolver(workspace.root, None, models)
    for path in (
        str(secret / "brief.gguf"),
        f"{models}/../secret/brief.gguf",
        f"{models}/down/../../secret/brief.gguf",
        f"{models}/link.gguf",
        f"{models}/folder/brief.gguf",
        f"{models}-other/brief.gguf",
        f"/proc/self/root{secret}/brief.gguf",
        f"/proc/{os.getpid()}/cwd/brief.gguf",
        "/dev/stdin",
        "brief.gguf",
        "../secret/brief.gguf",
        f"{models}/brief.gguf\0.txt",
        "",
    ):
        with pytest.raises((ModelOutside, UsageError)):
            find(Wanted(path=path))
    # What leads back inside is inside.
    assert find(Wanted(path=f"{models}/down/../brief.gguf")).path == models / "brief.gguf"
    assert find(Wanted(path=f"/proc/self/root{models}/brief.gguf")).path == models / "brief.gguf"


def test_the_first_file_may_be_a_link_into_a_cache(
    workspace: Workspace, models: Path, tmp_path: Path
) -> None:
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    (models / "brief.gguf").rename(blobs / "0a1b2c")
    (models / "brief.gguf").symlink_to(blobs / "0a1b2c")
    shutil.copy(blobs / "0a1b2c", blobs / "other.gguf")
    (models / "other.gguf").symlink_to(blobs / "other.gguf")
    find = resolver(workspace.root, models / "brief.gguf")
    found = find(Wanted(path=str(models / "brief.gguf")))
    assert (found.id, found.path) == ("brief", blobs / "0a1b2c")
    for path in (models / "other.gguf", blobs / "other.gguf"):
        with pytest.raises(ModelOutside):  # nobody named these
            find(Wanted(path=str(path)))


def test_nobody_learns_what_lies_outside(workspace: Workspace, models: Path) -> None:
    """A file that is there is refused with the same words as one that is not."""
    find = resolver(workspace.root, None, models)
    words = set()
    for path in ("/etc/passwd", "/etc/no-such"):
        with pytest.raises(ModelOutside) as refused:
            find(Wanted(path=path))
        words.add(refused.value.message.replace(path, "PATH"))
    assert len(words) == 1


def test_pipes_devices_and_other_files_are_refused(workspace: Workspace, models: Path) -> None:
    os.mkfifo(models / "pipe.gguf")
    (models / "notes.txt").write_text("notes")
    (models / "null.gguf").symlink_to("/dev/null")
    (models / "folder.gguf").mkdir()
    (models / "loop.gguf").symlink_to(models / "loop.gguf")
    find = resolver(workspace.root, None, models)
    for name in ("pipe.gguf", "notes.txt", "null.gguf", "folder.gguf"):
        with pytest.raises(ModelOutside):  # a pipe would be waited for
            find(Wanted(path=str(models / name)))
    with pytest.raises((ModelOutside, ModelMissing)):
        find(Wanted(path=str(models / "loop.gguf")))


def test_a_name_that_is_nearly_right_is_offered(workspace: Workspace, models: Path) -> None:
    find = resolver(workspace.root, None, models)
    with pytest.raises(ModelMissing) as missing:
        find(Wanted(path=str(models / "brif.gguf")))
    assert missing.value.hint == "did you mean brief.gguf?"


def test_a_folder_in_hugging_faces_form(workspace: Workspace, models: Path) -> None:
    merged = models / "merged"
    merged.mkdir()
    find = resolver(workspace.root, None, models)
    with pytest.raises(ModelOutside, match=r"config\.json"):
        find(Wanted(path=str(merged)))
    (merged / "config.json").write_text("{}")
    assert find(Wanted(path=str(merged))).path == merged


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(run="last", path="/models/brief.gguf")])
def test_one_of_both_is_named(workspace: Workspace, wanted: Wanted) -> None:
    with pytest.raises(UsageError):
        resolver(workspace.root)(wanted)


def test_a_runs_export(finished_export: Path) -> None:
    find = resolver(finished_export)
    found = find(Wanted(run="abcd"))
    assert (found.id, found.run, found.quant) == (f"{RUN}:f16", RUN, "f16")
    assert found.path == finished_export / "runs" / RUN / "exports" / "f16" / f"{RUN}-f16.gguf"
    assert found.tokenizer_dir is not None
    assert find(Wanted(run="last", quant="F16")) == found
    # Its file may be named as well.
    assert find(Wanted(path=str(found.path))).path == found.path
    with pytest.raises(RunUnfinished) as missing:
        find(Wanted(run=RUN, quant="q8_0"))
    assert missing.value.hint == f"make one with: finetui export {RUN} --quant q8_0"
    assert "f16" in missing.value.message
    with pytest.raises(QuantUnknown):
        find(Wanted(run=RUN, quant="q9"))
    with pytest.raises(RunMissing):
        find(Wanted(run="no-such"))


def test_engines_of_folders_get_the_merged_model_or_base_and_adapter(
    finished_export: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "workspace"
    shutil.copytree(finished_export, copy)
    run = copy / "runs" / RUN
    with pytest.raises(WorkspaceUntrusted):  # another workspace, which names a folder to load
        resolver(copy, engine="vllm")(Wanted(run="last"))
    trusted(copy)
    merged = resolver(copy, engine="vllm")(Wanted(run="last"))
    assert (merged.path, merged.adapter, merged.id) == (run / "merged", None, RUN)
    shutil.rmtree(run / "merged")
    apart = resolver(copy, engine="transformers")(Wanted(run="last"))
    assert (apart.path, apart.adapter) == (merged.tokenizer_dir, run / "adapter")


def test_a_run_that_leads_out_of_its_workspace_is_refused(
    finished_export: Path, workspace: Workspace
) -> None:
    """A workspace of somebody else can't have a file served by a link to it."""
    workspace.runs_dir.mkdir(exist_ok=True)
    (workspace.runs_dir / RUN).symlink_to(finished_export / "runs" / RUN)
    find = resolver(workspace.root)
    with pytest.raises(WorkspaceUntrusted):
        find(Wanted(run="last"))
    (workspace.runs_dir / RUN).unlink()
    workspace.runs_dir.rmdir()
    workspace.runs_dir.symlink_to(finished_export / "runs")
    with pytest.raises(ModelOutside):
        resolver(workspace.root)(
            Wanted(path=str(finished_export / "runs" / RUN / "exports/f16" / f"{RUN}-f16.gguf"))
        )


def test_what_a_person_may_write(
    finished_export: Path, workspace: Workspace, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(models)
    here = str(models / "brief.gguf")
    assert first_wanted(workspace, "brief.gguf") == Wanted(path=here)
    assert first_wanted(workspace, "./brief.gguf") == Wanted(path=here)
    assert first_wanted(workspace, "brief", "q4_k_m") == Wanted(run="brief", quant="q4_k_m")
    with pytest.raises(RunUnfinished) as nothing:
        first_wanted(workspace, "")
    assert "finetui export RUN" in nothing.value.hint
    with open_workspace(finished_export) as exported:
        assert first_wanted(exported, "") == Wanted(run=RUN)


def test_a_run_is_served_under_its_name(finished_export: Path, tmp_path: Path) -> None:
    copy = tmp_path / "workspace"
    shutil.copytree(finished_export, copy)
    set_name(copy / "runs" / RUN, "brief")
    assert resolver(copy)(Wanted(run="brief")).id == "brief:f16"
