"""Freezing: the approved examples become files that never change."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine.bases import Base
from engine.bases.files import clear_abandoned, publish, sync_tree
from engine.child import never
from engine.dataset.card import dataset_card
from engine.dataset.draft import DatasetOptions, Draft, Progress, draft, quiet, refused
from engine.dataset.frozen import (
    CARD,
    MANIFEST,
    TEST,
    TRAIN,
    VALIDATION,
    Frozen,
    check_name,
    datasets,
    load,
    read_frozen,
)
from engine.dataset.manifest import describe, identity, manifest_of
from engine.dataset.meter import measure
from engine.dataset.notices import Notice
from engine.dataset.rows import encode_rows
from engine.dataset.stats import default_options
from engine.errors import DatasetMissing, DatasetRefused
from engine.paths import require_free, write_atomic
from engine.trust import require_inside
from engine.workspace import Workspace

_TEMPORARY = ".freezing"


def freeze(
    workspace: Workspace,
    *,
    base: Base | None,
    validation_fraction: float | None = None,
    seed: int | None = None,
    system_prompt: str | None = None,
    max_length: int | None = None,
    name: str = "",
    drop_refused: bool = False,
    options: DatasetOptions | None = None,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> Frozen:
    """Write the approved examples as a dataset of the workspace.

    What was frozen before with the same rows and settings is returned as it is;
    equal examples give equal bytes.

    Args:
        workspace: Where the examples are, and where the dataset goes.
        base: The base to check tokens for; None leaves out what needs tokens.
        validation_fraction: The share that is held out; None takes that of ``options``.
        seed: The seed of the split; None takes that of ``options``.
        system_prompt: Put before conversations without one; None takes that of ``options``.
        max_length: The longest sequence in tokens; None takes that of ``options``.
        name: The dataset's name; empty takes the next of d1, d2, ….
        drop_refused: Leave out what the gate refuses, instead of refusing it all.
        options: All else that decides it; None takes the settings'. With
            ``near_duplicates="now"``, which verbs and screens ask for, near-duplicates are
            looked for first, and how near the sides are to each other is measured.
        progress: Called with what is done and what there is, in each step anew.
        cancelled: Asked several times a second, while near-duplicates are looked for, to stop.

    Raises:
        NothingApproved: No example is approved.
        DatasetRefused: The gate refuses rows, the rest can't be divided, or the
            name is taken by another dataset.
        UsageError: The name can't be one, or the options can't be meant.
        SourceError: A holdout file can't be read.
        WorkspaceUntrusted: A link would lead the dataset out of the workspace.
        DiskFull: There is no room.
        Cancelled: It was stopped.
    """
    if name:
        check_name(name)
    require_inside(workspace.root, workspace.datasets_dir)
    given: dict[str, Any] = {
        "validation_fraction": validation_fraction,
        "seed": seed,
        "system_prompt": system_prompt,
        "max_length": max_length,
    }
    chosen = options or default_options(workspace)
    chosen = replace(chosen, **{key: value for key, value in given.items() if value is not None})
    # Read before the examples: a decision made meanwhile then comes after it.
    journal = workspace.store.journal(limit=1)
    made = draft(workspace, base=base, options=chosen, progress=progress, cancelled=cancelled)
    if made.refusals and not drop_refused:
        raise refused(made.refusals)
    head = journal[0].seq if journal else 0
    return _write(workspace, made, name, head, progress, cancelled)


def _write(
    workspace: Workspace,
    made: Draft,
    name: str,
    head: int,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> Frozen:
    files = {
        file: encode_rows(one.row for one in rows)
        for file, rows in ((TRAIN, made.train), (VALIDATION, made.validation), (TEST, made.test))
        if rows or file != TEST
    }
    described = describe(made, head)
    content = _content_hash(files, identity(described))
    existing = _existing(workspace, name, content)
    if existing is not None:
        return existing
    folder = workspace.datasets_dir
    require_free(folder, 2 * sum(map(len, files.values())) + 1_000_000, "freezing the dataset")
    folder.mkdir(parents=True, exist_ok=True)
    clear_abandoned(folder, _TEMPORARY)
    measured: dict[str, Any] | None = None
    while True:
        chosen = name or _next_name(folder)
        with _temporary(folder) as temporary:
            for file, data in files.items():
                write_atomic(temporary / file, data)
            if measured is None:
                measured = _measured(made, described, temporary, progress, cancelled)
            manifest = manifest_of(chosen, content, files, measured)
            text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
            write_atomic(temporary / MANIFEST, text.encode())
            write_atomic(temporary / CARD, dataset_card(manifest).encode())
            sync_tree(temporary)
            if publish(temporary, folder / chosen):
                return read_frozen(folder / chosen)
        # Another session froze under that name just now: its dataset may be this one.
        existing = _existing(workspace, name, content)
        if existing is not None:
            return existing


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    temporary = Path(tempfile.mkdtemp(prefix=f"{_TEMPORARY}.{os.getpid()}.", dir=folder))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _measured(
    made: Draft,
    described: dict[str, Any],
    folder: Path,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> dict[str, Any]:
    """Add how near the held-out rows are to those that are trained on, where it was asked for."""
    if made.near is None or made.options.near_duplicates != "now":
        return described
    found = [
        measure(
            file.removesuffix(".jsonl"),
            folder / file,
            folder / TRAIN,
            threshold=made.near.threshold,
            model=made.options.model,
            near=made.near.checked,
            progress=progress,
            cancelled=cancelled,
        )
        for file in (VALIDATION, TEST)
        if (folder / file).is_file()
    ]
    notices = [
        asdict(
            Notice(
                "leak",
                f"{one.leaking:,} of {one.rows:,} {one.side} rows are near one that is trained "
                "on: the index that compared so many rows found not all of them",
            )
        )
        for one in found
        if one.leaking
    ]
    return described | {
        "leak": [one.as_dict() for one in found],
        "notices": described["notices"] + notices,
    }


def _content_hash(files: Mapping[str, bytes], settings: Mapping[str, Any]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(settings, sort_keys=True).encode())
    for file, data in files.items():
        digest.update(f"\0{file}\0{len(data)}\0".encode())
        digest.update(data)
    return "b2-" + digest.hexdigest()


def _existing(workspace: Workspace, name: str, content: str) -> Frozen | None:
    """Return the dataset that holds this already, under the name that was asked for if any.

    Raises:
        DatasetRefused: The name is taken by a dataset that holds something else.
    """
    if not name:
        for info in datasets(workspace):
            if info.content_hash == content:
                # One whose files were changed since is no longer this dataset.
                with contextlib.suppress(DatasetMissing, DatasetRefused):
                    return load(workspace, info.name)
        return None
    if not (workspace.datasets_dir / name).exists():
        return None
    if (workspace.datasets_dir / name / MANIFEST).is_file():
        frozen = load(workspace, name)
        if frozen.content_hash == content:
            return frozen
    raise DatasetRefused(
        f"there is a dataset {name!r} already, and it holds something else",
        hint="a dataset never changes; choose another name",
    )


def _next_name(folder: Path) -> str:
    numbers = [
        int(match[1])
        for path in folder.iterdir()
        if (match := re.fullmatch(r"d(\d{1,9})", path.name))
    ]
    return f"d{max(numbers, default=0) + 1}"
