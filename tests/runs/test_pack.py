"""Packed runs: the same bytes again, nothing of this machine in them, and attacks on the import."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bases import add
from engine.cli.main import main
from engine.errors import FinetuiError, PackInvalid, RunActive, RunError, SourceMissing
from engine.runs import EventLog, RunSummary, find, runs
from engine.runs.notes import set_name, set_note
from engine.runs.tickets import Ticket, write_ticket
from engine.train import load_spec, make_spec
from engine.train.pack import pack, scrub
from engine.train.packfile import MANIFEST, is_allowed
from engine.train.preparing import prepare, start_prepared
from engine.train.spec import changed, write_spec
from engine.train.unpack import import_run
from engine.trust import covers, run_items
from engine.workspace import Workspace, init_workspace, open_workspace
from tests.support.datasets import freeze_examples
from tests.support.tiny_base import make_tiny_base

ADAPTER = {"peft_type": "LORA", "auto_mapping": None, "base_model_name_or_path": "tiny"}


@pytest.fixture
def base_dir(tmp_path: Path) -> Path:
    folder = make_tiny_base(tmp_path / "models" / "tiny")
    add(str(folder))
    return folder


@pytest.fixture
def prepared(workspace: Workspace, base_dir: Path) -> RunSummary:
    freeze_examples(workspace, base_dir, 12)
    return prepare(workspace, make_spec(str(base_dir), "notes", "small-cpu"))


@pytest.fixture
def other(tmp_path: Path) -> Any:
    with open_workspace(init_workspace(tmp_path / "other")) as opened:
        yield opened


def trained(run: RunSummary) -> RunSummary:
    """Write what training a run leaves, with this machine's folders in its log."""
    with EventLog(run.dir) as log:
        log.write("run_started", pid=1)
        log.write("step", step=1, total_steps=1, loss=2.0)
        log.write("warning", message=f"read {run.dir}/dataset")
        log.write("run_finished", status="finished", result={"eval_loss": 2.0})
    (run.dir / "stdout.log").write_text(f"base {load_spec(run.dir).base_dir}\n{Path.home()}/x\n")
    for name in ("adapter", "best"):
        (run.dir / name).mkdir()
        (run.dir / name / "adapter_config.json").write_text(json.dumps(ADAPTER))
        (run.dir / name / "adapter_model.safetensors").write_bytes(b"\0" * 512)
    (run.dir / "process.json").write_text("{}")
    (run.dir / "merged").mkdir()
    (run.dir / "merged" / "model.safetensors").write_bytes(b"\0" * 4096)
    return RunSummary(run.id, run.dir, run.base, run.dataset, run.preset, run.view)


def test_a_pack_is_the_same_bytes_again_and_names_no_folder_of_this_machine(
    workspace: Workspace, prepared: RunSummary, tmp_path: Path
) -> None:
    trained(prepared)
    set_note(prepared.dir, "the first")
    one = pack(find(workspace, "last"), tmp_path / "one.zip")
    os.utime(prepared.dir / "stdout.log", (1.0, 1.0))
    two = pack(find(workspace, "last"), tmp_path / "two.zip")
    assert one.file.read_bytes() == two.file.read_bytes()
    with zipfile.ZipFile(one.file) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == MANIFEST
        told = json.loads(archive.read(MANIFEST))
        contents = {name: archive.read(name) for name in archive.namelist()}
    for name, entry in told["files"].items():
        assert hashlib.sha256(contents[name]).hexdigest() == entry["sha256"]
        assert len(contents[name]) == entry["bytes"]
    for place in (workspace.root, Path.home(), tmp_path):
        assert not any(str(place).encode() in data for data in contents.values())
    assert not any("merged" in name or "process" in name for name in contents)
    assert told["base"]["fingerprint"] == load_spec(prepared.dir).base_fingerprint
    assert stat.S_IMODE(one.file.stat().st_mode) & 0o111 == 0


def test_folders_are_replaced_in_text_and_in_json() -> None:
    places = {"/home/ana": "~", "/home/ana/ws/runs/r": "r", "": "x", "/": "root", "/h/ă": "base"}
    assert scrub(b"/home/ana/ws/runs/r/a /home/ana/b /etc", places) == b"r/a ~/b /etc"
    assert scrub(json.dumps("/h/ă/x").encode(), places) == b'"base/x"'
    assert scrub("/h/ă/x".encode(), places) == b"base/x"


def test_a_prepared_run_travels_and_comes_home(
    workspace: Workspace, other: Workspace, prepared: RunSummary, tmp_path: Path
) -> None:
    set_name(prepared.dir, "of mine")
    there = import_run(other, pack(find(workspace, "last"), tmp_path / "out.zip").file)
    assert (there.how, there.notes, there.run.id) == ("new", (), prepared.id)
    assert there.run.view.status == "prepared"
    assert there.run.name == "of mine"
    spec, origin = load_spec(there.run.dir), load_spec(prepared.dir)
    assert changed(spec, base=origin.base, dataset_dir=origin.dataset_dir) == origin
    assert (there.run.dir / "dataset" / "train.jsonl").read_bytes() == (
        prepared.dir / "dataset" / "train.jsonl"
    ).read_bytes()
    assert covers(other.root, run_items(spec.base_dir, "none"))

    trained(there.run)
    back = pack(find(other, "last"), tmp_path / "back.zip").file
    home = import_run(workspace, back)
    assert (home.how, home.run.id, home.run.view.status) == ("home", prepared.id, "finished")
    assert home.run.view.losses == ((1, 2.0),)
    assert (home.run.dir / "best" / "adapter_model.safetensors").stat().st_size == 512
    assert home.run.name == "of mine"
    assert load_spec(home.run.dir).base_dir == origin.base_dir
    assert import_run(workspace, back).how == "same"
    assert len(runs(workspace)) == 1
    assert not (workspace.runs_dir / ".importing").exists()


def test_another_run_with_the_same_id_is_kept_and_this_one_gets_a_new_id(
    workspace: Workspace, other: Workspace, prepared: RunSummary, tmp_path: Path
) -> None:
    file = pack(find(workspace, "last"), tmp_path / "out.zip").file
    set_name(import_run(other, file).run.dir, "theirs")
    trained(find(other, "last"))
    write_spec(prepared.dir, changed(load_spec(prepared.dir), learning_rate=0.5))
    set_name(prepared.dir, "Theirs")
    renamed = import_run(other, pack(find(workspace, "last"), tmp_path / "two.zip").file)
    assert renamed.how == "renamed"
    assert renamed.run.id != prepared.id
    assert renamed.run.id[:-4] == prepared.id[:-4]
    assert renamed.notes == (f"run {prepared.id} is named Theirs already, so it has no name",)
    assert load_spec(renamed.run.dir).learning_rate == 0.5
    assert find(other, prepared.id).view.status == "finished"


def test_what_is_going_or_starts_from_a_folder_here_is_not_packed(
    workspace: Workspace, prepared: RunSummary, tmp_path: Path
) -> None:
    write_ticket(prepared.dir, Ticket(1.0, 1.0, "here"))
    with pytest.raises(RunActive):
        pack(find(workspace, "last"), tmp_path / "x.zip")
    (prepared.dir / "queue.json").unlink()
    write_spec(prepared.dir, changed(load_spec(prepared.dir), resume_from="/home/ana/adapter"))
    with pytest.raises(RunError, match="starts from a folder"):
        pack(find(workspace, "last"), tmp_path / "x.zip")
    write_spec(prepared.dir, changed(load_spec(prepared.dir), resume_from=""))
    (tmp_path / "x.zip").write_text("mine")
    with pytest.raises(RunError, match="there already"):
        pack(find(workspace, "last"), tmp_path / "x.zip")
    assert (tmp_path / "x.zip").read_text() == "mine"


def test_a_base_that_is_not_here_or_another_one_is_named(
    workspace: Workspace, prepared: RunSummary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = pack(find(workspace, "last"), tmp_path / "out.zip").file
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    with open_workspace(init_workspace(tmp_path / "third")) as third:
        found = import_run(third, file)
        assert found.notes == (
            "its base tiny is not on this machine; get it with: finetui bases add tiny",
        )
        assert load_spec(found.run.dir).base_dir == ""
        with pytest.raises(FinetuiError, match="tiny"):
            start_prepared(third, "last")
        # One of that name with other weights is not taken for it.
        add(str(make_tiny_base(tmp_path / "b" / "tiny", control=("<a>", "<b>", "<|im_end|>"))))
        (again,) = import_run(third, renamed_pack(file, tmp_path)).notes
        assert "is another one than the run's" in again
        with pytest.raises(RunError, match="not the one that run"):
            start_prepared(third, found.run.id)


def renamed_pack(file: Path, folder: Path) -> Path:
    """Write a pack again with another run's id."""

    def rename(told: dict[str, Any], _: dict[str, bytes]) -> None:
        told["id"] = "20250101-000000-0000"

    return tamper(file, folder / "renamed.zip", rename)


Change = Callable[[dict[str, Any], dict[str, bytes]], None]


def tamper(file: Path, out: Path, change: Change, *, rehash: bool = False) -> Path:
    """Write a pack again with a change to its manifest and files."""
    with zipfile.ZipFile(file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    told = json.loads(contents.pop(MANIFEST))
    change(told, contents)
    if rehash:
        told["files"] = {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in contents.items()
        }
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, json.dumps(told))
        for name, data in contents.items():
            archive.writestr(name, data)
    return out


def everything(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


EVIL_PATHS = [
    "../evil", "/etc/cron.d/evil", "dataset/../../evil", "dataset/../spec.toml", "..\\evil",
    "control/stop", "process.json", "queue.json", "run.lock", "exports/f16/spec.toml",
    "adapter/adapter_model.bin", "adapter/x.py", "best/../adapter/x.json", "dataset/.hidden",
    "checkpoints/checkpoint-1/evil.pkl", "checkpoints/checkpoint-1/../../x.json", "spec.toml/",
    "dataset/a/b", "SPEC.TOML", "merged/model.safetensors", "dataset/x\n", "adapter//x.json",
]  # fmt: skip


def test_a_file_that_no_packed_run_has_is_refused_and_nothing_is_written(
    workspace: Workspace, other: Workspace, prepared: RunSummary, tmp_path: Path
) -> None:
    file = pack(find(workspace, "last"), tmp_path / "out.zip").file
    for path in EVIL_PATHS:

        def plant(told: dict[str, Any], contents: dict[str, bytes], path: str = path) -> None:
            contents[path] = b"evil"

        evil = tamper(file, tmp_path / "evil.zip", plant, rehash=True)
        before = everything(tmp_path)
        with pytest.raises(PackInvalid):
            import_run(other, evil)
        assert everything(tmp_path) - {str(other.runs_dir)} == before - {str(other.runs_dir)}, path


@given(
    st.text(max_size=60) | st.from_regex(r"(dataset|adapter|\.\.|/|[a-z.]){1,6}", fullmatch=True)
)
def test_an_allowed_path_stays_below_the_run(path: str) -> None:
    if is_allowed(path):
        where = os.path.normpath(os.path.join("/ws/runs/r", path))
        assert where == f"/ws/runs/r/{path}"
        assert len(path.split("/")) <= 3
        assert path.isascii()


def symlink(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def test_links_devices_and_packs_that_lie_are_refused(
    workspace: Workspace, other: Workspace, prepared: RunSummary, tmp_path: Path
) -> None:
    file = pack(find(workspace, "last"), tmp_path / "out.zip").file

    def refused(match: str, change: Change, *, rehash: bool = False) -> None:
        with pytest.raises(PackInvalid, match=match):
            import_run(other, tamper(file, tmp_path / "evil.zip", change, rehash=rehash))
        assert runs(other) == []

    linked = tmp_path / "link.zip"
    shutil.copy(file, linked)
    with zipfile.ZipFile(linked, "a") as archive:
        archive.writestr(symlink("dataset/link"), "/etc/passwd")
    with pytest.raises(PackInvalid, match="link or device"):
        import_run(other, linked)

    twice = tmp_path / "twice.zip"
    shutil.copy(file, twice)
    with zipfile.ZipFile(twice, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("spec.toml", "base = 'x'")
    with pytest.raises(PackInvalid, match="does not hold what"):
        import_run(other, twice)

    def bomb(told: dict[str, Any], contents: dict[str, bytes]) -> None:
        contents["stdout.log"] = b"\0" * 100_000_000

    refused("would write", bomb, rehash=True)

    def longer(told: dict[str, Any], contents: dict[str, bytes]) -> None:
        contents["dataset/train.jsonl"] += b"more"

    refused("train.jsonl of the pack is damaged", longer)

    def negative(told: dict[str, Any], contents: dict[str, bytes]) -> None:
        told["files"]["spec.toml"]["bytes"] = -1

    refused("damaged at spec.toml", negative)

    def newer(told: dict[str, Any], contents: dict[str, bytes]) -> None:
        told["v"] = 2

    refused("version 2", newer)

    def other_id(told: dict[str, Any], contents: dict[str, bytes]) -> None:
        told["id"] = "../../evil"

    refused("no run's id", other_id)

    def dataset(told: dict[str, Any], contents: dict[str, bytes]) -> None:
        contents["dataset/train.jsonl"] = b"{}\n"

    refused("changed after the freeze", dataset, rehash=True)

    def unknown(told: dict[str, Any], contents: dict[str, bytes]) -> None:
        contents["spec.toml"] += b'command = "rm -rf /"\n'

    refused("no training setting command", unknown, rehash=True)

    for field, value in (("megatron_config", {}), ("auto_mapping", {"parent_library": "os"})):

        def code(
            told: dict[str, Any], contents: dict[str, bytes], field: str = field, value: Any = value
        ) -> None:
            contents["adapter/adapter_config.json"] = json.dumps(ADAPTER | {field: value}).encode()

        refused(f"no LoRA adapter: its {field}", code, rehash=True)


def test_a_path_in_the_place_of_the_base_is_never_followed(
    workspace: Workspace, other: Workspace, prepared: RunSummary, tmp_path: Path
) -> None:
    evil_base = make_tiny_base(tmp_path / "evil", control=("<a>", "<b>", "<|im_end|>"))
    for name in (str(evil_base), "../evil", "~/evil"):

        def lead(told: dict[str, Any], contents: dict[str, bytes], name: str = name) -> None:
            told["base"] = {"name": name, "hub_id": "", "fingerprint": ""}
            spec = contents["spec.toml"].decode()
            lines = [line for line in spec.splitlines() if not line.startswith("base")]
            lines += [f"base = {name!r}", f"base_dir = {str(evil_base)!r}"]
            contents["spec.toml"] = "\n".join(lines).encode()

        file = pack(find(workspace, "last"), tmp_path / "out.zip").file
        found = import_run(other, tamper(file, tmp_path / "evil.zip", lead, rehash=True))
        assert load_spec(found.run.dir).base == "evil"
        assert load_spec(found.run.dir).base_dir == ""
        file.unlink()
        shutil.rmtree(found.run.dir)


def test_a_tracker_that_a_pack_names_is_asked_about(
    workspace: Workspace, other: Workspace, prepared: RunSummary, tmp_path: Path
) -> None:
    write_spec(prepared.dir, changed(load_spec(prepared.dir), report_to="wandb"))
    found = import_run(other, pack(find(workspace, "last"), tmp_path / "out.zip").file)
    spec = load_spec(found.run.dir)
    assert not covers(other.root, run_items(spec.base_dir, spec.report_to))
    with pytest.raises(FinetuiError, match="not trusted"):
        start_prepared(other, "last")


def test_what_is_no_pack_is_named(other: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    for odd, what in ((tmp_path, "is a folder"), (Path("/dev/null"), "is not a regular file")):
        with pytest.raises(PackInvalid, match=what):
            import_run(other, odd)
    with pytest.raises(SourceMissing):
        import_run(other, file)
    for data in (b"", b"hello", evil_tar(), b"PK\x03\x04" + b"\xff" * 200):
        file.write_bytes(data)
        with pytest.raises(PackInvalid, match=r"no packed run"):
            import_run(other, file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(PackInvalid, match=r"has no finetui-run\.json"):
        import_run(other, file)
    for text in ("", "[]", '{"kind": "finetui-run", "v": 1}', '{"kind": "x"}', "[" * 100_000):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(MANIFEST, text)
        with pytest.raises(PackInvalid):
            import_run(other, file)


def evil_tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("../../evil")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"evil"))
    return out.getvalue()


def test_a_pack_that_is_cut_or_altered_anywhere_is_named_or_the_same(
    workspace: Workspace, other: Workspace, prepared: RunSummary, tmp_path: Path
) -> None:
    data = pack(find(workspace, "last"), tmp_path / "out.zip").file.read_bytes()
    file = tmp_path / "damaged.zip"
    places = range(0, len(data), max(1, len(data) // 60))
    for place in places:
        for damaged in (
            data[:place],
            data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :],
        ):
            file.write_bytes(damaged)
            try:
                imported = import_run(other, file)
            except PackInvalid:
                assert runs(other) == []
            else:  # the byte says nothing of the contents, such as a time
                assert (imported.run.dir / "dataset" / "train.jsonl").read_bytes() == (
                    prepared.dir / "dataset" / "train.jsonl"
                ).read_bytes()
                shutil.rmtree(imported.run.dir)


def test_the_verbs_say_where_the_file_is_and_what_to_do(
    workspace: Workspace, prepared: RunSummary, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    root = ["--workspace", str(workspace.root)]
    assert main(["runs", "pack", "last", *root]) == 0
    said = capsys.readouterr().out
    assert f"finetui runs import {prepared.id}.finetui.zip" in said
    assert main(["runs", "import", f"{prepared.id}.finetui.zip", "--json", *root]) == 0
    assert json.loads(capsys.readouterr().out)["how"] == "same"
