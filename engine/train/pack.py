"""Packing a run into one file, for another machine: what it is told, its data, what came out.

Equal runs give equal bytes. No path of this machine goes along: the base is named by its public
name and fingerprint, and in the log and the events the folders of this machine are replaced.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import tomli_w

from engine.bases import resolve
from engine.dataset.frozen import read_frozen, verify
from engine.errors import AccessRefused, DiskFull, FinetuiError, RunActive, RunError
from engine.modes import hand_over
from engine.paths import require_free, shorten
from engine.runs import RunSummary, look, wait_until_gone
from engine.train.checkpoints import CHECKPOINTS_DIR
from engine.train.packfile import MANIFEST, Entry, Manifest, is_allowed
from engine.train.published import public_name
from engine.train.spec import SPEC_FILE, TrainSpec, changed, load_spec

_SCRUBBED = ("events.jsonl", "stdout.log")
_STORED = (".safetensors", ".pt", ".pth", ".bin", ".gz")
_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP can say
_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Packed:
    """A pack that was written. ``left_out`` are files of the run that are not in it."""

    file: Path
    manifest: Manifest
    bytes: int
    left_out: tuple[str, ...]


def default_file(run: RunSummary) -> Path:
    """Return where a pack goes where no place is named: the present folder."""
    return Path(f"{run.id}.finetui.zip")


def pack(run: RunSummary, out: Path, *, with_checkpoints: bool = False) -> Packed:
    """Write a run as one file, which appears whole or not at all.

    Args:
        run: The run; it may be prepared, or have ended.
        out: The file, which must not be there.
        with_checkpoints: Whether its checkpoints go along, so that it can be resumed elsewhere.

    Raises:
        RunActive: It is still going, or waits in the queue.
        RunError: There is a file already; the run starts from a folder of this machine.
        DatasetRefused: Its dataset was changed.
        DiskFull: There is no room for the file.
    """
    if not run.view.active:
        wait_until_gone(run.dir)
    if run.view.active or look(run.dir).alive:
        raise RunActive(
            f"run {run.id} is still going ({run.view.status})",
            hint=f"stop it first with: finetui runs stop {run.id}",
        )
    if os.path.lexists(out):
        raise RunError(f"{shorten(out)} is there already", hint="name another file with --out")
    contents = Contents(run.dir, with_checkpoints=with_checkpoints)
    if contents.spec.resume_from and not contents.trained:
        raise RunError(
            f"run {run.id} starts from a folder of this machine: "
            f"{shorten(contents.spec.resume_from)}",
            hint="prepare it without --resume-from, or start it here",
        )
    manifest = contents.manifest()
    require_free(out.parent, manifest.total, "the pack")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("xb") as handle:
            _write(handle, contents, manifest)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(out)
    except OSError as error:
        if error.errno == 28:  # ENOSPC
            raise DiskFull(
                "the disk became full", hint="free some space, or choose --out"
            ) from error
        raise AccessRefused(
            f"{shorten(out)} can't be written: {error.strerror or error}",
            hint="name another file with --out",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    hand_over(out)
    return Packed(out, manifest, out.stat().st_size, contents.left_out)


class Contents:
    """What a run's pack holds, without writing one.

    Args:
        run_dir: The run's folder.
        with_checkpoints: Whether its checkpoints go along.
    """

    def __init__(self, run_dir: Path, *, with_checkpoints: bool) -> None:
        self.run_dir = run_dir
        self.spec = load_spec(run_dir)
        verify(read_frozen(run_dir / "dataset"))
        self._name = public_name(self.spec)
        self._hub_id, self._fingerprint = _known_base(self.spec)
        found = list(_files(run_dir, with_checkpoints=with_checkpoints))
        self.files = sorted(path for path in found if is_allowed(path))
        self.left_out = tuple(sorted(path for path in found if not is_allowed(path)))

    @property
    def trained(self) -> bool:
        """Whether the run has ever begun."""
        return "events.jsonl" in self.files

    def manifest(self) -> Manifest:
        """Return the manifest, for which all files are read once."""
        return Manifest(
            id=self.run_dir.name,
            base=self._name,
            hub_id=self._hub_id,
            fingerprint=self._fingerprint,
            trained=self.trained,
            files={path: self._entry(path) for path in self.files},
        )

    def open(self, path: str) -> BinaryIO:
        """Open a file as it stands in the pack."""
        if path == SPEC_FILE:
            return io.BytesIO(portable_spec(self.spec, self._name))
        if path in _SCRUBBED:
            return io.BytesIO(scrub((self.run_dir / path).read_bytes(), self._places()))
        descriptor = os.open(self.run_dir / path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        return os.fdopen(descriptor, "rb")

    def _entry(self, path: str) -> Entry:
        digest, size = hashlib.sha256(), 0
        with self.open(path) as handle:
            while block := handle.read(_COPY_BYTES):
                digest.update(block)
                size += len(block)
        return Entry(size, digest.hexdigest())

    def _places(self) -> dict[str, str]:
        """Return the folders of this machine, and what stands for each."""
        workspace = self.run_dir.resolve().parent.parent
        return {
            str(self.run_dir.resolve()): self.run_dir.name,
            str(self.run_dir): self.run_dir.name,
            self.spec.base_dir: self._name,
            str(Path(self.spec.base_dir).resolve()) if self.spec.base_dir else "": self._name,
            self.spec.dataset_dir: self.spec.dataset,
            str(workspace): "workspace",
            str(Path.home()): "~",
        }


def portable_spec(spec: TrainSpec, base: str) -> bytes:
    """Return a specification without any path of this machine.

    Args:
        spec: The specification.
        base: The base's public name.
    """
    bare = changed(spec, base=base, base_dir="", dataset_dir="", resume_from="")
    return tomli_w.dumps(bare.model_dump()).encode("utf-8", "surrogateescape")


def scrub(data: bytes, places: dict[str, str]) -> bytes:
    """Replace folders of this machine in a text, or in lines of JSON.

    Args:
        data: The text.
        places: Each folder, and what stands for it.
    """
    for place in sorted(places, key=len, reverse=True):
        if len(place) < 2:  # nothing, or the root of all
            continue
        for form in {os.fsencode(place), json.dumps(place)[1:-1].encode()}:
            data = data.replace(form, places[place].encode("utf-8", "replace"))
    return data


def _known_base(spec: TrainSpec) -> tuple[str, str]:
    with suppress(FinetuiError, OSError):
        base = resolve(spec.base_dir or spec.base)
        same = spec.base_fingerprint in ("", base.fingerprint)
        if same:
            return base.hub_id, base.fingerprint
    return "", spec.base_fingerprint


def _files(run_dir: Path, *, with_checkpoints: bool) -> Iterator[str]:
    """Yield the files of a run that a pack is made of, or would leave out; links are left out."""
    for name in (SPEC_FILE, "events.jsonl", "stdout.log", "person.json", "card.md"):
        if _is_file(run_dir / name):
            yield name
    folders = ["dataset", "adapter", "best"]
    if with_checkpoints and not (run_dir / CHECKPOINTS_DIR).is_symlink():
        folders += [
            f"{CHECKPOINTS_DIR}/{path.name}"
            for path in (run_dir / CHECKPOINTS_DIR).glob("checkpoint-*")
        ]
    for folder in folders:
        if (run_dir / folder).is_symlink() or not (run_dir / folder).is_dir():
            continue
        for path in (run_dir / folder).rglob("*"):
            if _is_file(path):
                yield path.relative_to(run_dir).as_posix()


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _write(handle: BinaryIO, contents: Contents, manifest: Manifest) -> None:
    with zipfile.ZipFile(handle, "w", allowZip64=True) as archive:
        archive.writestr(_info(MANIFEST), manifest.dump(), compresslevel=6)
        for path, entry in sorted(manifest.files.items()):
            info = _info(path)
            info.file_size = entry.bytes
            with contents.open(path) as source, archive.open(info, "w") as target:
                shutil.copyfileobj(source, target, _COPY_BYTES)


def _info(path: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, date_time=_TIME)
    info.create_system = 3
    info.external_attr = 0o100644 << 16
    stored = path.endswith(_STORED)
    info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    return info
