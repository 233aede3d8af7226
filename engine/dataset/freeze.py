"""Freezing: the approved examples become files that never change."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine import __version__
from engine.bases import Base
from engine.bases.files import clear_abandoned, publish, sync_tree
from engine.dataset.card import dataset_card
from engine.dataset.draft import DatasetOptions, Draft, Progress, draft, quiet, refused
from engine.dataset.frozen import (
    CARD,
    MANIFEST,
    MANIFEST_VERSION,
    TRAIN,
    VALIDATION,
    Frozen,
    check_name,
    datasets,
    file_hash,
    load,
    read_frozen,
)
from engine.dataset.gate import Checked
from engine.dataset.rows import encode_rows
from engine.errors import DatasetMissing, DatasetRefused, UsageError
from engine.paths import require_free, write_atomic
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
    progress: Progress = quiet,
) -> Frozen:
    """Write the approved examples as a dataset of the workspace.

    What was frozen before with the same rows and settings is returned as it is;
    equal examples give equal bytes.

    Args:
        workspace: Where the examples are, and where the dataset goes.
        base: The base to check tokens for; None leaves out what needs tokens.
        validation_fraction: The share that is held out; None takes the setting.
        seed: The seed of the split; None takes the setting.
        system_prompt: Put before conversations without one; None takes the setting.
        max_length: The longest sequence in tokens; None cuts nothing.
        name: The dataset's name; empty takes the next of d1, d2, ….
        drop_refused: Leave out what the gate refuses, instead of refusing it all.
        progress: Called with rows checked and in total.

    Raises:
        NothingApproved: No example is approved.
        DatasetRefused: The gate refuses rows, the rest can't be divided, or the
            name is taken by another dataset.
        UsageError: The name can't be one, or the fraction is not between 0 and 1.
        DiskFull: There is no room.
    """
    if name:
        check_name(name)
    settings = workspace.settings.dataset
    fraction = settings.validation_fraction if validation_fraction is None else validation_fraction
    if not 0 < fraction < 1:
        raise UsageError(
            f"{fraction} can't be the share that is held out", hint="take one between 0 and 1"
        )
    options = DatasetOptions(
        validation_fraction=fraction,
        seed=settings.seed if seed is None else seed,
        system_prompt=settings.system_prompt if system_prompt is None else system_prompt,
        max_length=max_length,
    )
    # Read before the examples: a decision made meanwhile then comes after it.
    journal = workspace.store.journal(limit=1)
    made = draft(workspace, base=base, options=options, progress=progress)
    if made.refusals and not drop_refused:
        raise refused(made.refusals)
    return _write(workspace, made, name, head=journal[0].seq if journal else 0)


def _write(workspace: Workspace, made: Draft, name: str, *, head: int) -> Frozen:
    files = {
        TRAIN: encode_rows(one.row for one in made.train),
        VALIDATION: encode_rows(one.row for one in made.validation),
    }
    settings = _settings(made)
    content = _content_hash(files, settings)
    existing = _existing(workspace, name, content)
    if existing is not None:
        return existing
    folder = workspace.datasets_dir
    require_free(folder, 2 * sum(map(len, files.values())) + 1_000_000, "freezing the dataset")
    folder.mkdir(parents=True, exist_ok=True)
    clear_abandoned(folder, _TEMPORARY)
    while True:
        chosen = name or _next_name(folder)
        if _publish(folder, chosen, made, files, settings, content, head):
            return read_frozen(folder / chosen)
        # Another session froze under that name just now: its dataset may be this one.
        existing = _existing(workspace, name, content)
        if existing is not None:
            return existing


def _publish(
    folder: Path,
    name: str,
    made: Draft,
    files: Mapping[str, bytes],
    settings: Mapping[str, Any],
    content: str,
    head: int,
) -> bool:
    """Write the dataset's folder and put it in its place; False where the place is taken."""
    manifest: dict[str, Any] = {
        "v": MANIFEST_VERSION,
        "name": name,
        "content_hash": content,
        "files": {
            file: {"sha256": file_hash(data), "bytes": len(data), "rows": data.count(b"\n")}
            for file, data in files.items()
        },
        "counts": {
            "approved": made.approved,
            "train": len(made.train),
            "validation": len(made.validation),
            "duplicates": made.duplicates,
            "refused": made.refused_by_code,
        },
        "refused": {one.example_id: one.code for one in made.refusals},
        "tokens": _tokens(made),
        "settings": settings,
        "base": None if made.base is None else _base(made.base),
        "sources": _sources(made),
        "decisions": {"head": head},
        "versions": {"finetui": __version__, "tokenizers": version("tokenizers")},
    }
    temporary = Path(tempfile.mkdtemp(prefix=f"{_TEMPORARY}.{os.getpid()}.", dir=folder))
    try:
        for file, data in files.items():
            write_atomic(temporary / file, data)
        text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
        write_atomic(temporary / MANIFEST, text.encode())
        write_atomic(temporary / CARD, dataset_card(manifest).encode())
        sync_tree(temporary)
        return publish(temporary, folder / name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _settings(made: Draft) -> dict[str, Any]:
    options = made.options
    return {
        "validation_fraction": options.validation_fraction,
        "seed": options.seed,
        "system_prompt": options.system_prompt.strip(),
        "max_length": options.max_length,
        # What the gate lets through depends on it.
        "base_fingerprint": made.base.fingerprint if made.base else "",
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


def _tokens(made: Draft) -> dict[str, Any] | None:
    if made.base is None:
        return None

    def counts(rows: Sequence[Checked]) -> dict[str, int]:
        return {
            "all": sum(one.tokens for one in rows),
            "trained": sum(one.trained for one in rows),
            "longest": max((one.tokens for one in rows), default=0),
            "truncated_rows": sum(one.truncated > 0 for one in rows),
        }

    return {"train": counts(made.train), "validation": counts(made.validation)}


def _base(base: Base) -> dict[str, str]:
    return {"name": base.name, "fingerprint": base.fingerprint}


def _sources(made: Draft) -> dict[str, int]:
    """Return rows by source. Their folders' paths are nobody else's business."""
    counts: dict[str, int] = {}
    for one in (*made.train, *made.validation):
        source = str(one.row.metadata.get("source", ""))
        counts[source] = counts.get(source, 0) + 1
    return dict(sorted(counts.items()))
