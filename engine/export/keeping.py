"""Giving room back: what of a run may go, and removing runs. Links are never followed.

What may go is listed by name, and all else stays: a file that a person put into a run's folder
is none of finetui's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import FinetuiError, RunActive, RunError
from engine.export.artifacts import EXPORTS_DIR
from engine.export.sizing import Sizes, bytes_in
from engine.runs import RunSummary, check_free, read_spec, run_dirs, state, wait_until_gone
from engine.runs.hold import Held, take
from engine.runs.notes import read_said
from engine.train.checkpoints import (
    CHECKPOINTS_DIR,
    KEEP_AT_LEAST,
    all_checkpoints,
    damage,
    newest_first,
)
from engine.trust import require_inside
from engine.workspace import Workspace

REMOVED = ".removed"
"""The folder inside of ``runs`` that a removed run is moved to, before its files go."""

_GGUF = (".gguf", ".gguf.json")
_TEMPORARY = re.compile(r"\..+\.tmp|\.merged\..+|\.unpacked[.-].+")


@dataclass(frozen=True, slots=True)
class Part:
    """A file or folder of a run: its path, its bytes on the disk, and why it goes or stays."""

    path: Path
    bytes: int
    why: str


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What cleaning a run removes, and what of it stays."""

    run_id: str
    goes: tuple[Part, ...]
    stays: tuple[Part, ...]

    @property
    def bytes(self) -> int:
        """How many bytes it gives back."""
        return sum(part.bytes for part in self.goes)


@dataclass(frozen=True, slots=True)
class Removal:
    """What removing a run loses.

    ``votes`` is how many blind votes name it: they stay. ``used_by`` are runs that started from
    its adapter or a checkpoint.
    """

    run_id: str
    parts: tuple[Part, ...]
    votes: int
    used_by: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """How many bytes it gives back."""
        return sum(part.bytes for part in self.parts)


def plan_cleaning(workspace: Workspace, run: RunSummary) -> Cleaning:
    """Say what cleaning a run would remove, without touching anything.

    Raises:
        RunActive: It, or an export of it, is under way.
        RunError: Its folder is a link.
        WorkspaceUntrusted: A link leads it out of the workspace.
    """
    _check_quiet(workspace, run)
    found = _intermediates(run.dir) + _checkpoints(run)
    gone = {path for path, _ in found}
    given_back = Sizes(path for path, _ in found)
    goes = [Part(path, given_back.of(path), why) for path, why in found]
    stays = [
        Part(path, bytes_in(path, gone), _why_it_stays(path))
        for path in sorted(run.dir.iterdir())
        if path not in gone
    ]
    return Cleaning(run.id, tuple(goes), tuple(part for part in stays if part.why))


def clean(workspace: Workspace, run: RunSummary) -> Cleaning:
    """Remove what a run's folder holds that can be made again, and return what went.

    Raises:
        RunActive: It, or an export of it, is under way.
        RunError: Its folder is a link.
        WorkspaceUntrusted: A link leads it out of the workspace.
    """
    planned = plan_cleaning(workspace, run)
    with _held(run), _no_export(run.dir):
        for part in planned.goes:
            _remove(part.path)
    _sweep(workspace)
    return planned


def plan_removal(workspace: Workspace, run: RunSummary) -> Removal:
    """Say what removing a run would lose, without touching anything.

    Raises:
        RunActive: It, or an export of it, is under way.
        RunError: Its folder is a link.
        WorkspaceUntrusted: A link leads it out of the workspace.
    """
    _check_quiet(workspace, run)
    paths = sorted(run.dir.iterdir())
    given_back = Sizes(paths)
    parts = [Part(path, given_back.of(path), _what(path)) for path in paths]
    users = []
    for other in run_dirs(workspace):
        source = str(read_spec(other).get("resume_from", ""))
        if other != run.dir and source and Path(source).is_relative_to(run.dir.resolve()):
            users.append(read_said(other).name or other.name)
    votes = len(workspace.store.votes(run.id))
    return Removal(run.id, tuple(part for part in parts if part.why), votes, tuple(users))


def remove(workspace: Workspace, run: RunSummary) -> Removal:
    """Remove a run with all that is in its folder.

    It is moved out of sight first, so that it is there whole or not at all.

    Raises:
        RunActive: It, or an export of it, is under way.
        RunError: Its folder is a link.
        WorkspaceUntrusted: A link leads it out of the workspace.
    """
    lost = plan_removal(workspace, run)
    with _held(run), _no_export(run.dir):
        aside = workspace.runs_dir / REMOVED
        aside.mkdir(exist_ok=True)
        run.dir.rename(aside / f"{run.id}.{secrets.token_hex(4)}")
    _sweep(workspace)
    return lost


def _check_quiet(workspace: Workspace, run: RunSummary) -> None:
    if run.dir.is_symlink():
        raise RunError(
            f"the folder of run {run.id} is a link, which is left alone",
            hint="remove the link, or what it leads to, by hand",
        )
    require_inside(workspace.root, run.dir)
    if run.view.status == "queued":
        raise RunActive(
            f"run {run.id} waits in the queue",
            hint=f"take it out first with: finetui runs queue --remove {run.id}",
        )
    if not run.view.active:
        wait_until_gone(run.dir)
    check_free(
        run.dir, what=f"run {run.id}", hint=f"stop it first with: finetui runs stop {run.id}"
    )
    for job in _folders(run.dir / EXPORTS_DIR):
        if state(job).active:
            check_free(job, what=f"the export {job.name} of run {run.id}", hint="wait for it")


@contextlib.contextmanager
def _held(run: RunSummary) -> Iterator[None]:
    """Keep any process from starting in a run's folder meanwhile.

    Raises:
        RunActive: One holds it.
    """
    try:
        hold = take(run.dir)
    except Held as error:
        raise RunActive(f"run {run.id} is in use", hint="stop it first") from error
    try:
        yield
    finally:
        hold.close()


@contextlib.contextmanager
def _no_export(run_dir: Path) -> Iterator[None]:
    """Hold the lock under which exports of a run make their common files.

    Raises:
        RunActive: An export holds it.
    """
    if not (run_dir / ".export.lock").is_file():
        yield
        return
    handle = os.open(run_dir / ".export.lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunActive(
                f"an export of run {run_dir.name} is under way", hint="wait for it"
            ) from error
        yield
    finally:
        os.close(handle)


_Found = list[tuple[Path, str]]


def _intermediates(run_dir: Path) -> _Found:
    found: _Found = []
    for path in sorted(run_dir.iterdir()):
        if path.name == "merged" and not path.is_symlink():
            found.append((path, "the merged model; an export makes it again"))
        elif path.name.startswith(f"{run_dir.name}-") and path.name.endswith(_GGUF):
            found.append((path, "a step of an export; it is made again"))
        elif _TEMPORARY.fullmatch(path.name):
            found.append((path, "left by a process that ended"))
    for job in _folders(run_dir / EXPORTS_DIR):
        found += [
            (path, "left by an export that ended")
            for path in sorted(job.iterdir())
            if _TEMPORARY.fullmatch(path.name)
        ]
    return found


def _checkpoints(run: RunSummary) -> _Found:
    """Return the checkpoints that nothing goes on from any more."""
    root = run.dir / CHECKPOINTS_DIR
    if root.is_symlink() or not root.is_dir():
        return []
    finished = run.view.status == "finished"
    kept = 0
    found: _Found = []
    for checkpoint in newest_first(run.dir, run.view.superseded):
        whole = not checkpoint.path.is_symlink() and not damage(checkpoint, thorough=False)
        if not finished and whole and kept < KEEP_AT_LEAST:
            kept += 1
        elif not checkpoint.path.is_symlink():
            why = "the run is finished" if finished else "newer ones are kept"
            found.append((checkpoint.path, why if whole else "damaged"))
    # Where none is whole, a damaged one may be all there is to repair.
    if not finished and not kept:
        found = []
    left = [path for name in (".saving", ".leaving-*") for path in root.glob(name)]
    return found + [(path, "left by a process that ended") for path in left]


_STAYS = {
    "adapter": "the last adapter",
    "best": "the best adapter",
    "dataset": "the run's own copy of its dataset",
    "checkpoints": "checkpoints to go on from",
    "exports": "finished exports",
    "spec.toml": "what the run was told",
    "events.jsonl": "its history",
    "stdout.log": "its log",
    "person.json": "its name and note",
    "card.md": "its card",
}


def _why_it_stays(path: Path) -> str:
    if path.name == CHECKPOINTS_DIR and not all_checkpoints(path.parent):
        return ""
    return _what(path)


def _what(path: Path) -> str:
    """Return what a part of a run is; empty for what only finetui needs."""
    if path.is_symlink():
        return "a link, which is not followed"
    small = path.name.startswith(".") or path.suffix in (".lock", ".json")
    if small or path.name == "control":
        return _STAYS.get(path.name, "")
    return _STAYS.get(path.name, "merged model" if path.name == "merged" else "another file")


def _folders(directory: Path) -> list[Path]:
    if directory.is_symlink():
        return []
    try:
        return sorted(
            path for path in directory.iterdir() if path.is_dir() and not path.is_symlink()
        )
    except OSError:
        return []


def _remove(path: Path) -> None:
    """Remove a file, a link itself, or a folder with what is in it."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    # Renamed first, so that no half of it is ever taken for the whole.
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    path.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def _sweep(workspace: Workspace) -> None:
    """Remove what was moved out of sight, by this process or by one that was killed."""
    aside = workspace.runs_dir / REMOVED
    if aside.is_dir() and not aside.is_symlink():
        with contextlib.suppress(OSError):
            shutil.rmtree(aside)


def cleanable(workspace: Workspace) -> tuple[list[Cleaning], list[tuple[str, FinetuiError]]]:
    """Return what cleaning would remove of each run, and the runs that can't be cleaned now."""
    from engine.runs import runs

    found, refused = [], []
    for run in runs(workspace):
        try:
            found.append(plan_cleaning(workspace, run))
        except FinetuiError as error:
            refused.append((run.id, error))
    return found, refused
