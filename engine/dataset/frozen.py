"""Frozen datasets: what a folder of one is, finding and reading them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.dataset.leak import LeakSummary
from engine.dataset.notices import Notice
from engine.dataset.rows import Row, read_rows
from engine.errors import DatasetMissing, DatasetRefused, UsageError
from engine.paths import shorten
from engine.workspace import Workspace

MANIFEST = "manifest.json"
TRAIN = "train.jsonl"
VALIDATION = "validation.jsonl"
TEST = "test.jsonl"
CARD = "README.md"
MANIFEST_VERSION = 2
READABLE = (1, MANIFEST_VERSION)
"""Versions that are read; 1 had no test side, and knew nothing of near-duplicates."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Frozen:
    """A dataset on the disk, which never changes.

    Args:
        name: Its name in the workspace.
        directory: Its folder.
        manifest: What it is: counts, hashes, settings, versions.
    """

    name: str
    directory: Path
    manifest: Mapping[str, Any]

    @property
    def train(self) -> int:
        """How many rows there are to train on."""
        return int(self.manifest["counts"]["train"])

    @property
    def validation(self) -> int:
        """How many rows are held out."""
        return int(self.manifest["counts"]["validation"])

    @property
    def test(self) -> int:
        """How many rows are held out for the end; mostly there are none."""
        return int(self.manifest["counts"].get("test", 0))

    @property
    def content_hash(self) -> str:
        """The hash of rows and settings: equal datasets have equal ones."""
        return str(self.manifest["content_hash"])

    @property
    def train_file(self) -> Path:
        """The rows to train on."""
        return self.directory / TRAIN

    @property
    def validation_file(self) -> Path:
        """The rows that are held out."""
        return self.directory / VALIDATION

    @property
    def test_file(self) -> Path:
        """The rows that are held out for the end; absent where there are none."""
        return self.directory / TEST

    def train_rows(self) -> list[Row]:
        """Read the rows to train on."""
        return read_rows(self.train_file)

    def validation_rows(self) -> list[Row]:
        """Read the rows that are held out."""
        return read_rows(self.validation_file)

    def test_rows(self) -> list[Row]:
        """Read the rows that are held out for the end."""
        return read_rows(self.test_file) if self.test else []

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the freeze warned of."""
        return tuple(Notice(**one) for one in self.manifest.get("notices", ()))

    @property
    def leak(self) -> tuple[LeakSummary, ...]:
        """How near the held-out rows are to what is trained on; empty where not measured."""
        return tuple(LeakSummary.of(one) for one in self.manifest.get("leak") or ())


@dataclass(frozen=True, slots=True)
class FrozenInfo:
    """A dataset in a list. Times are seconds since the epoch; tokens are 0 without a base."""

    name: str
    directory: Path
    train: int
    validation: int
    trained_tokens: int
    base: str
    frozen_at: float
    content_hash: str
    test: int = 0


def file_hash(data: bytes) -> str:
    """Return the SHA-256 of a file's bytes, as other tools print it."""
    return hashlib.sha256(data).hexdigest()


def system_prompt(dataset: Path) -> str:
    """Return the system message that a dataset was frozen with; empty where it has none.

    Args:
        dataset: Its folder.
    """
    try:
        settings = json.loads((dataset / MANIFEST).read_text("utf-8"))["settings"]
        return str(settings.get("system_prompt") or "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""


def check_name(name: str) -> str:
    """Return a dataset's name if it can be one.

    Raises:
        UsageError: It can't be a folder's name everywhere.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} can't be a dataset's name",
            hint="use up to 64 letters, digits, dots, dashes and underscores",
        )
    return name


def datasets(workspace: Workspace) -> list[FrozenInfo]:
    """Return the workspace's datasets, oldest first. Folders that are not one are left out."""
    found = []
    for path in workspace.datasets_dir.glob(f"*/{MANIFEST}"):
        if path.parent.name.startswith("."):
            continue
        try:
            frozen = read_frozen(path.parent)
            tokens = frozen.manifest["tokens"]
            base = frozen.manifest["base"]
            found.append(
                FrozenInfo(
                    name=frozen.name,
                    directory=frozen.directory,
                    train=frozen.train,
                    validation=frozen.validation,
                    trained_tokens=int(tokens["train"]["trained"]) if tokens else 0,
                    base=str(base["name"]) if base else "",
                    frozen_at=path.stat().st_mtime,
                    content_hash=frozen.content_hash,
                    test=frozen.test,
                )
            )
        except (DatasetMissing, DatasetRefused):
            continue
    return sorted(found, key=lambda info: (info.frozen_at, info.name))


def newest(workspace: Workspace, name: str = "") -> str:
    """Return a dataset's name, that of the newest one where it is empty.

    Raises:
        DatasetMissing: There is none.
    """
    if name:
        return name
    found = datasets(workspace)
    if not found:
        raise DatasetMissing(
            "there is no dataset yet", hint="make one with: finetui dataset freeze"
        )
    return found[-1].name


def load(workspace: Workspace, name: str) -> Frozen:
    """Return a dataset by name, its files checked against its manifest.

    Raises:
        DatasetMissing: There is none of that name.
        DatasetRefused: A file of it was changed after the freeze.
    """
    require_dataset(workspace, name)
    return verify(read_frozen(workspace.datasets_dir / name))


def require_dataset(workspace: Workspace, name: str) -> None:
    """Require that a workspace has a dataset of a name; its files are not looked at.

    Raises:
        DatasetMissing: There is none; the hint names those that there are.
    """
    if not _NAME.fullmatch(name) or not (workspace.datasets_dir / name / MANIFEST).is_file():
        names = ", ".join(info.name for info in datasets(workspace)[-5:])
        raise DatasetMissing(
            f"there is no dataset {name!r}",
            hint=f"there are: {names}" if names else "make one with: finetui dataset freeze",
        )


def read_frozen(directory: Path) -> Frozen:
    """Read a dataset's folder, wherever it is; its rows are not looked at.

    Raises:
        DatasetMissing: There is no manifest.
        DatasetRefused: The manifest is damaged, or of another version.
    """
    path = directory / MANIFEST
    try:
        manifest = json.loads(path.read_text("utf-8"))
        version = manifest["v"]
        frozen = Frozen(str(manifest["name"]), directory, manifest)
        _ = (frozen.train, frozen.validation, frozen.test, frozen.content_hash, manifest["files"])
        _ = (manifest["tokens"], manifest["base"], manifest["settings"]["seed"])
    except FileNotFoundError as error:
        raise DatasetMissing(f"{shorten(directory)} is not a dataset", hint="") from error
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise DatasetRefused(
            f"{shorten(path)} is damaged", hint="freeze the dataset again under another name"
        ) from error
    if version not in READABLE:
        raise DatasetRefused(
            f"{shorten(path)} was written by another version of finetui (v{version})",
            hint="bring finetui up to date, or freeze the dataset again",
        )
    return frozen


def verify(frozen: Frozen) -> Frozen:
    """Return the dataset if its files are those that were frozen.

    Raises:
        DatasetMissing: A file is gone.
        DatasetRefused: A file was changed.
    """
    for name, wanted in frozen.manifest["files"].items():
        path = frozen.directory / name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DatasetMissing(
                f"{shorten(path)} is not there", hint="freeze the dataset again"
            ) from error
        if file_hash(data) != wanted["sha256"]:
            raise DatasetRefused(
                f"{shorten(path)} was changed after the freeze",
                hint="a dataset never changes; put the file back, or freeze a new dataset",
            )
    return frozen
