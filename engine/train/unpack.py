"""Bringing a packed run into a workspace. A pack may come from anybody.

Nothing is believed: only files whose names a packed run can have are written, each to its own
place below a new folder, none larger than the manifest says, all hashed. The run gets its place
once everything has been checked, or nothing is left. Where its base is on this machine is looked
up here, by fingerprint and name, and never taken from the pack.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from engine.bases import Base, installed, resolve
from engine.bases.files import publish, sync_tree
from engine.dataset.frozen import read_frozen, verify
from engine.errors import (
    DiskFull,
    FinetuiError,
    PackInvalid,
    RunActive,
    SourceMissing,
)
from engine.paths import require_free, shorten
from engine.runs import RunSummary, state, summarise
from engine.runs.hold import Held, take
from engine.runs.notes import PERSON_FILE, read_said, set_name, set_note, taken_words
from engine.runs.state import run_dirs
from engine.train.pack import Contents
from engine.train.packfile import (
    FREE_BYTES,
    MANIFEST,
    MANIFEST_LIMIT,
    RATIO_LIMIT,
    Manifest,
    is_allowed,
    parse_manifest,
)
from engine.train.spec import SPEC_FILE, TrainSpec, changed, load_spec, write_spec
from engine.trust import agree, require_inside, run_items
from engine.workspace import Workspace

IMPORTING = ".importing"
_COPY_BYTES = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_REGULAR = (0, 0o100000)
_SAFE_ADAPTER = {"auto_mapping": (None,), "megatron_config": (None,), "peft_type": ("LORA",)}

How = Literal["new", "same", "home", "renamed"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    ``how`` is ``new``; ``same`` where the run was here already, as it is in the pack; ``home``
    where the run that was prepared here came back trained; ``renamed`` where another run has
    its id, so that it got a new one. ``notes`` are what a person should know.
    """

    run: RunSummary
    how: How
    notes: tuple[str, ...]


def import_run(workspace: Workspace, file: Path) -> Imported:
    """Bring a packed run into a workspace.

    Raises:
        SourceMissing: There is no such file.
        PackInvalid: It is a folder or a device, damaged, unsafe, or no packed run.
        RunActive: The run that it continues is going here.
        DiskFull: There is no room for it.
        WorkspaceUntrusted: A link would lead it out of the workspace.
    """
    _require_file(file)
    require_inside(workspace.root, workspace.runs_dir)
    folder = workspace.runs_dir / IMPORTING / secrets.token_hex(8)
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _read_manifest(archive, file.stat().st_size)
            require_free(workspace.root, manifest.total, "the run")
            folder.mkdir(parents=True)
            _extract(archive, manifest, folder)
        return _place(workspace, folder, manifest)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError) as error:
        raise _no_pack(file) from error
    except (RuntimeError, ValueError, zlib.error, struct.error) as error:  # no sense in it
        raise _no_pack(file) from error
    except OSError as error:
        if error.errno == 28:  # ENOSPC
            raise DiskFull("the disk became full", hint="free some space and try again") from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()


def _require_file(file: Path) -> None:
    if file.is_file():
        return
    if not file.exists():
        raise SourceMissing(f"there is no file {shorten(file)}", hint="look at the path's spelling")
    what = "a folder" if file.is_dir() else "not a regular file"
    raise PackInvalid(
        f"{shorten(file.absolute())} is {what}, and a packed run is a file",
        hint="name the file that finetui runs pack has written: RUN.finetui.zip",
    )


def _no_pack(file: Path) -> PackInvalid:
    return PackInvalid(
        f"{shorten(file)} is damaged, or no packed run",
        hint="copy it again, or pack the run again with: finetui runs pack RUN",
    )


# -- reading -----------------------------------------------------------------------------


def _read_manifest(archive: zipfile.ZipFile, size: int) -> Manifest:
    """Return the manifest, once what stands in the archive is what it names.

    Raises:
        PackInvalid: It is not, or would write far more than its size.
    """
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    first = next((entry for entry in entries if entry.filename == MANIFEST), None)
    if first is None:
        raise PackInvalid(
            f"the file has no {MANIFEST}, so it is no packed run",
            hint="pack a run with: finetui runs pack RUN",
        )
    for entry in entries:
        _check_entry(entry)
    with archive.open(first) as handle:
        data = handle.read(MANIFEST_LIMIT + 1)
    if len(data) > MANIFEST_LIMIT:
        raise PackInvalid(f"the pack's {MANIFEST} is too large")
    manifest = parse_manifest(data)
    if sorted(names) != sorted([MANIFEST, *manifest.files]):
        unlisted = sorted(set(names) ^ {MANIFEST, *manifest.files})
        named = repr(unlisted[0][:120]) if unlisted else "one file twice"
        raise PackInvalid(f"the pack does not hold what its manifest says: {named}")
    if manifest.total > FREE_BYTES + RATIO_LIMIT * size:
        raise PackInvalid(
            f"the pack has {size:,} bytes and would write {manifest.total:,}: it is not unpacked"
        )
    return manifest


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if name != MANIFEST and not is_allowed(name):
        raise PackInvalid(
            f"the pack holds {name[:120]!r}, which no packed run has",
            hint="nothing of it was written; get the pack from where it was made",
        )
    if (entry.external_attr >> 16) & 0o170000 not in _REGULAR:
        raise PackInvalid(f"the pack holds {name[:120]!r} as a link or device")
    if entry.flag_bits & 0x1 or entry.compress_type not in _METHODS:
        raise PackInvalid(f"{name[:120]!r} is encrypted or packed in a way that is not used here")


def _extract(archive: zipfile.ZipFile, manifest: Manifest, folder: Path) -> None:
    for name, entry in manifest.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        digest, left = hashlib.sha256(), entry.bytes
        with archive.open(name) as source, path.open("xb") as target:
            while block := source.read(min(_COPY_BYTES, left + 1)):
                left -= len(block)
                if left < 0:
                    break
                digest.update(block)
                target.write(block)
        if left != 0 or digest.hexdigest() != entry.sha256:
            raise PackInvalid(
                f"{name} of the pack is damaged",
                hint="copy the pack again, or pack the run again with: finetui runs pack RUN",
            )


# -- judging -----------------------------------------------------------------------------


def _checked(folder: Path, manifest: Manifest) -> TrainSpec:
    """Return the specification of an unpacked run, once all of it makes sense.

    Raises:
        PackInvalid: It does not.
    """
    try:
        spec = load_spec(folder)
        verify(read_frozen(folder / "dataset"))
    except FinetuiError as error:
        raise PackInvalid(f"the packed run is damaged: {error.message}") from error
    if spec.resume_from and not manifest.trained:
        raise PackInvalid("the packed run starts from a folder of another machine")
    for path in folder.glob("**/adapter_config.json"):
        _check_adapter(path)
    return spec


def _check_adapter(path: Path) -> None:
    """Refuse an adapter whose configuration would load code, or is of another kind.

    Raises:
        PackInvalid: It would.
    """
    try:
        value = json.loads(path.read_bytes())
        wrong = [name for name, known in _SAFE_ADAPTER.items() if value.get(name) not in known]
    except (ValueError, AttributeError, RecursionError, TypeError) as error:
        raise PackInvalid(f"the packed {path.parent.name} is damaged") from error
    if wrong:
        raise PackInvalid(f"the packed {path.parent.name} is no LoRA adapter: its {wrong[0]}")


def find_base(manifest: Manifest) -> tuple[Base | None, str]:
    """Return the base of a packed run on this machine, and what to say where it is not the same.

    One with the same fingerprint is taken whatever its name. A name that looks like a path is
    never followed.
    """
    for base in installed():
        if manifest.fingerprint and base.fingerprint == manifest.fingerprint:
            return base, ""
    name = manifest.hub_id or manifest.base
    if _is_path(name):
        name = Path(name).name
    try:
        base = resolve(name)
    except FinetuiError:
        return None, (
            f"its base {name} is not on this machine; get it with: finetui bases add {name}"
        )
    if manifest.fingerprint and base.fingerprint != manifest.fingerprint:
        return None, (
            f"the base {base.name} here is another one than the run's "
            f"({base.fingerprint}, not {manifest.fingerprint}): it can't be trained or exported "
            "until the same one is added"
        )
    return base, ""


def _is_path(name: str) -> bool:
    return name.startswith(("/", ".", "~")) or Path(name).is_dir()


def _localise(workspace: Workspace, folder: Path, spec: TrainSpec, manifest: Manifest) -> list[str]:
    """Write where the base is on this machine into an unpacked run's specification."""
    base, note = find_base(manifest)
    name = spec.base if not _is_path(spec.base) else Path(spec.base).name or "base"
    local = changed(
        spec,
        base=base.name if base is not None else name,
        base_dir="" if base is None else str(base.directory.resolve()),
        base_fingerprint=manifest.fingerprint,
        dataset_dir="",
        resume_from="",
    )
    write_spec(folder, local)
    # The base is one that this person has added here themselves. What else the run would reach,
    # such as a tracker, is asked about when it is started.
    for item in run_items(local.base_dir, "none"):
        agree(workspace.root, item)
    return [note] if note else []


# -- giving it its place -----------------------------------------------------------------


def _place(workspace: Workspace, folder: Path, manifest: Manifest) -> Imported:
    spec = _checked(folder, manifest)
    there = workspace.runs_dir / manifest.id
    if (there / SPEC_FILE).is_file():
        if _told(load_spec(there)) == _told(spec) and _same_content(there, manifest):
            return Imported(summarise(there), "same", ())
        if _continues(there, folder, manifest):
            notes = _localise(workspace, folder, spec, manifest)
            _replace(there, folder)
            return Imported(summarise(there), "home", tuple(notes))
    free = not os.path.lexists(there)
    target = there if free else workspace.runs_dir / f"{manifest.id[:-4]}{_new_digits(workspace)}"
    notes = _localise(workspace, folder, spec, manifest)
    notes += _say_again(workspace, folder)
    sync_tree(folder)
    if not publish(folder, target):
        raise RunActive(f"run {target.name} has just been made by another process")
    if free:
        return Imported(summarise(target), "new", tuple(notes))
    return Imported(summarise(target), "renamed", tuple(notes))


def _new_digits(workspace: Workspace) -> str:
    taken = {path.name[-4:] for path in run_dirs(workspace)}
    while (digits := secrets.token_hex(2)) in taken:
        pass
    return digits


def _say_again(workspace: Workspace, folder: Path) -> list[str]:
    """Keep the person's name and note of an unpacked run, where they can be kept."""
    said = read_said(folder)
    (folder / PERSON_FILE).unlink(missing_ok=True)
    with contextlib.suppress(FinetuiError):
        if said.note:
            set_note(folder, said.note)
    taken = taken_words(said.name, workspace.runs_dir)
    if taken:
        return [f"{taken}, so it has no name"]
    with contextlib.suppress(FinetuiError):
        set_name(folder, said.name)
    return []


def _same_content(there: Path, manifest: Manifest) -> bool:
    try:
        checkpoints = any(name.startswith("checkpoints/") for name in manifest.files)
        here = Contents(there, with_checkpoints=checkpoints).manifest()
    except (FinetuiError, OSError):
        return False
    return _without_base(here) == _without_base(manifest)


def _without_base(manifest: Manifest) -> dict[str, object]:
    # The specification names the base as it is called on each machine.
    return {name: entry for name, entry in manifest.files.items() if name != SPEC_FILE}


def _continues(there: Path, folder: Path, manifest: Manifest) -> bool:
    """Say whether a pack is what became of a run that is here: prepared, or stopped early.

    It is where both were told the same, have the same data, and the pack's history begins with
    the one here. A run that has exports here is left as it is.
    """
    view = state(there)
    if view.active or (there / "exports").exists() or not manifest.trained:
        return False
    try:
        here = Contents(there, with_checkpoints=False)
        mine, theirs = here.manifest(), load_spec(folder)
        history = b""
        if here.trained:
            with here.open("events.jsonl") as handle:
                history = handle.read()
    except (FinetuiError, OSError):
        return False
    same_told = _told(here.spec) == _told(theirs)
    same_data = _data(mine) == _data(manifest)
    return same_told and same_data and _begins_with(folder / "events.jsonl", history)


def _told(spec: TrainSpec) -> dict[str, object]:
    machine = ("base", "base_dir", "base_fingerprint", "dataset_dir", "resume_from")
    return {name: value for name, value in spec.model_dump().items() if name not in machine}


def _data(manifest: Manifest) -> dict[str, str]:
    return {
        name: entry.sha256 for name, entry in manifest.files.items() if name.startswith("dataset/")
    }


def _begins_with(path: Path, history: bytes) -> bool:
    handle: IO[bytes]
    with path.open("rb") as handle:
        return handle.read(len(history)) == history


def _replace(there: Path, folder: Path) -> None:
    """Put an unpacked run in the place of the one that it continues.

    Raises:
        RunActive: That one has just been started.
    """
    said = read_said(there)
    try:
        hold = take(there)
    except Held as error:
        raise RunActive(f"run {there.name} is in use", hint="stop it first") from error
    try:
        if said.name or said.note:  # what its person calls it here
            shutil.copyfile(there / PERSON_FILE, folder / PERSON_FILE)
        sync_tree(folder)
        aside = folder.with_name(f"{folder.name}.old")
        there.rename(aside)
        try:
            published = publish(folder, there)
        except OSError:
            aside.rename(there)
            raise
        if published:
            shutil.rmtree(aside, ignore_errors=True)
    finally:
        hold.close()
