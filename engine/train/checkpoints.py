"""A run's checkpoints: which there are, whether they are whole, and which one to resume from.

A checkpoint is a folder ``checkpoints/checkpoint-STEP``. It is published by renaming, once all of
it is on the disk, and carries ``checkpoint.json``, a manifest with the size and SHA-256 of each
file. Checkpoints of earlier versions have no manifest: they are judged by the form of their files.
Nothing here needs torch.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import CheckpointDamaged
from engine.paths import write_atomic
from engine.plain import read_plain

CHECKPOINTS_DIR = "checkpoints"
MANIFEST = "checkpoint.json"
PROGRESS_FILE = "progress.json"
KEEP_AT_LEAST = 2
"""How many checkpoints are kept whatever the spec says: one may turn out to be damaged."""

_PREFIX = "checkpoint-"
_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_NEEDED = ("trainer_state.json", "optimizer.pt", "scheduler.pt", "rng_state.pth", PROGRESS_FILE)
_FIELDS = {
    "trainer_state.json": ("global_step",),
    PROGRESS_FILE: ("tokens", "trained_tokens", "seconds"),
}
_HEADER_LIMIT = 100_000_000  # what the safetensors library accepts


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint's folder, which may be damaged, and the step after which it was saved."""

    path: Path
    step: int

    @property
    def name(self) -> str:
        """What a person calls it: ``step-40``."""
        return f"step-{self.step}"


@dataclass(frozen=True, slots=True)
class Refused:
    """A checkpoint that can't be resumed from, and why."""

    checkpoint: Checkpoint
    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The checkpoint to resume from, and newer ones that were refused."""

    checkpoint: Checkpoint
    refused: tuple[Refused, ...] = ()


def folder_of(run_dir: Path, step: int) -> Path:
    """Return where the checkpoint of a step is."""
    return run_dir / CHECKPOINTS_DIR / f"{_PREFIX}{step}"


def all_checkpoints(run_dir: Path) -> list[Checkpoint]:
    """Return every checkpoint folder of a run by rising step, damaged ones too."""
    found = []
    for path in (run_dir / CHECKPOINTS_DIR).glob(f"{_PREFIX}*"):
        step = path.name.removeprefix(_PREFIX)
        if step.isdecimal() and step.isascii() and path.is_dir():
            found.append(Checkpoint(path=path, step=int(step)))
    return sorted(found, key=lambda checkpoint: checkpoint.step)


def checkpoints(run_dir: Path) -> list[Checkpoint]:
    """Return a run's checkpoints by rising step, without those that are plainly damaged."""
    return [found for found in all_checkpoints(run_dir) if not damage(found, thorough=False)]


def newest_first(run_dir: Path, superseded: Iterable[str] = ()) -> list[Checkpoint]:
    """Return every checkpoint, the one that a run should go on from first.

    Args:
        run_dir: The run's folder.
        superseded: Paths of those that a run left behind when it was resumed from an earlier
            one; they come last.
    """
    behind = {Path(path).name for path in superseded}
    return sorted(
        all_checkpoints(run_dir),
        key=lambda found: (found.path.name not in behind, found.step),
        reverse=True,
    )


def choose(run_dir: Path, *, superseded: Iterable[str] = (), wanted: str = "") -> Choice | None:
    """Return the checkpoint to resume a run from, read through to its last byte.

    Args:
        run_dir: The run's folder.
        superseded: See :func:`newest_first`.
        wanted: A checkpoint's name, ``step-40``, ``checkpoint-40`` or ``40``; empty takes the
            newest that is whole.

    Returns:
        The choice, or None where there is no checkpoint at all.

    Raises:
        CheckpointDamaged: The one that is wanted is damaged or not there, or all are damaged.
    """
    found = newest_first(run_dir, superseded)
    if wanted:
        return Choice(_wanted(found, wanted))
    refused: list[Refused] = []
    for checkpoint in found:
        reason = damage(checkpoint)
        if not reason:
            return Choice(checkpoint, tuple(refused))
        refused.append(Refused(checkpoint, reason))
    if refused:
        raise all_damaged(refused)
    return None


def all_damaged(refused: Sequence[Refused]) -> CheckpointDamaged:
    """Return the refusal to resume a run that has damaged checkpoints alone."""
    words = "; ".join(f"{one.checkpoint.name}: {one.reason}" for one in refused)
    return CheckpointDamaged(
        f"no checkpoint can be resumed from: {words}",
        hint="put a checkpoint back from a backup, or start a new run with the same settings",
    )


def _wanted(found: Sequence[Checkpoint], wanted: str) -> Checkpoint:
    step = Path(wanted.strip().rstrip("/")).name.removeprefix(_PREFIX).removeprefix("step-")
    match = next((one for one in found if step == str(one.step)), None)
    if match is None:
        oldest_first = sorted(found, key=lambda one: one.step)
        marked = (f"{one.name}{' (damaged)' if damage(one) else ''}" for one in oldest_first)
        names = ", ".join(marked) or "none"
        raise CheckpointDamaged(f"there is no checkpoint {wanted}", hint=f"there are: {names}")
    if reason := damage(match):
        whole = [one.name for one in found if one is not match and not damage(one)]
        raise CheckpointDamaged(
            f"checkpoint {match.name} is damaged: {reason}",
            hint=f"resume from one that is whole: {', '.join(whole)}"
            if whole
            else "no other one is whole; put one back from a backup, or start a new run",
        )
    return match


# -- whether one is whole ----------------------------------------------------------------


def write_manifest(folder: Path, step: int) -> None:
    """Write down the size and SHA-256 of every file of a checkpoint, last of all.

    Raises:
        DiskFull: There was no room.
    """
    files = {
        str(path.relative_to(folder)): {"bytes": path.stat().st_size, "sha256": _sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    write_atomic(
        folder / MANIFEST, json.dumps({"v": 1, "step": step, "files": files}, indent=1).encode()
    )


def damage(checkpoint: Checkpoint, *, thorough: bool = True) -> str:
    """Return what is wrong with a checkpoint; empty where nothing is.

    Args:
        checkpoint: The checkpoint.
        thorough: Read all of it. Without, sizes and headers alone are looked at, which is quick
            enough for a list, and does not find altered bytes.
    """
    folder = checkpoint.path
    try:
        if not any(folder.iterdir()):
            return "its folder is empty"
        if (folder / MANIFEST).exists():
            return _against_manifest(folder, thorough)
        return _by_form(folder, thorough)
    except OSError as error:
        return f"it can't be read: {error.strerror or error}"


def _against_manifest(folder: Path, thorough: bool) -> str:
    try:
        files = json.loads(read_plain(folder / MANIFEST))["files"]
        listed = {
            str(name): (int(entry["bytes"]), str(entry["sha256"])) for name, entry in files.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"{MANIFEST} is damaged"
    for name, (size, _) in listed.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != size:
            return f"{name} has {path.stat().st_size:,} of {size:,} bytes"
    if thorough:
        for name, (_, digest) in listed.items():
            if _sha256(folder / name) != digest:
                return f"{name} has other content than was saved"
    return "" if listed else f"{MANIFEST} is damaged"


def _by_form(folder: Path, thorough: bool) -> str:
    """Judge a checkpoint of an earlier version, which has no manifest."""
    for name in _NEEDED:
        if not (folder / name).is_file():
            return f"{name} is missing"
    if not any((folder / name).is_file() for name in _WEIGHTS):
        return f"{_WEIGHTS[0]} is missing"
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        if not _is_well_formed(path, thorough):
            return f"{path.name} is damaged"
    return ""


def _is_well_formed(path: Path, thorough: bool) -> bool:
    if path.suffix == ".json":
        return _is_json(path)
    if path.suffix == ".safetensors":
        return _is_safetensors(path)
    if path.suffix in (".pt", ".pth", ".bin") and path.name != "training_args.bin":
        return _is_zip(path, thorough)
    return True


def _is_json(path: Path) -> bool:
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return all(
        isinstance(value, dict) and isinstance(value.get(name), int | float)
        for name in _FIELDS.get(path.name, ())
    )


def _is_safetensors(path: Path) -> bool:
    """Say whether a file's length is what its header says.

    The format: 8 bytes with the header's length, little endian; the header, a JSON object of
    tensors with ``data_offsets``; then the tensors without gaps
    (https://huggingface.co/docs/safetensors).
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        start = handle.read(8)
        if len(start) < 8:
            return False
        (length,) = struct.unpack("<Q", start)
        if length > min(size - 8, _HEADER_LIMIT):
            return False
        header = handle.read(length)
    try:
        tensors = [entry for name, entry in json.loads(header).items() if name != "__metadata__"]
        spans = sorted(
            (int(one["data_offsets"][0]), int(one["data_offsets"][1])) for one in tensors
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return False
    end = 0
    for begin, until in spans:
        if begin != end or until < begin:
            return False
        end = until
    return bool(spans) and 8 + length + end == size


def _is_zip(path: Path, thorough: bool) -> bool:
    """Say whether a file is a whole archive, the form that ``torch.save`` writes."""
    try:
        with zipfile.ZipFile(path) as archive:
            return bool(archive.namelist()) and not (thorough and archive.testzip())
    except Exception:  # of a damaged archive zipfile raises a dozen kinds
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
