"""The person's own folder of models, in which finished files appear under readable names."""

from __future__ import annotations

import os
from pathlib import Path

from engine.errors import ExportError, GgufDamaged
from engine.export.spec import ExportSpec
from engine.paths import shorten
from engine.serve.header import read_header


def require_models_dir(spec: ExportSpec) -> None:
    """Raise where the folder of models can't take the files, before anything is made.

    A file of that name is replaced where it is an earlier export of the same run, and kept
    where it is anything else.

    Raises:
        ExportError: The folder can't be written to, or a name is taken.
    """
    if spec.models_dir is None:
        return
    folder = spec.models_dir
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ExportError(
            f"the models folder {shorten(spec.models_dir)} can't be written to",
            hint="choose another one with --models-dir, or in the setting export.models_dir",
        )
    for quant in spec.quants:
        path = spec.models_file(quant)
        if path is not None and os.path.lexists(path) and not _is_of(path, spec.run_id):
            raise ExportError(
                f"{shorten(path)} is there already and is not an export of run {spec.run_id}",
                hint="move it away, or give the run a name: finetui runs rename RUN NAME",
            )


def _is_of(path: Path, run_id: str) -> bool:
    try:
        return read_header(path).metadata.get("general.version") == run_id
    except (OSError, GgufDamaged):
        return False
