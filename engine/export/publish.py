"""Giving an export's files their names: all of them or none, and only once they are whole."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ExportError, FinetuiError
from engine.export.convert import copy
from engine.export.files import forget, is_kept, keep, place, record_of, temporary_name
from engine.export.full import no_room
from engine.export.making import Bench, Side, imatrix_name, note_merged_kept
from engine.export.quants import CONVERTED
from engine.export.spec import ExportSpec, staged_dir
from engine.paths import shorten


@dataclass(frozen=True, slots=True)
class Published:
    """A finished file: where it is, its bytes, its SHA-256, and its place among the models."""

    quant: str
    path: Path
    bytes: int
    sha256: str
    model: Path | None = None


def publish(bench: Bench, tuned: Side) -> list[Published]:
    """Give all files of an export their names.

    What takes room, a copy onto another disk, is done first, so that a full disk leaves
    everything as it was; then files are renamed.

    Raises:
        DiskFull: There is no room.
        LimitReached: A file may not grow that large.
    """
    spec = bench.spec
    found = []
    with _copied(spec, tuned.files) as copies:
        for quant, staged in tuned.files.items():
            bench.job.check_stop()
            found.append((quant, staged, _sha256(staged)))
        published = []
        for quant, staged, digest in found:
            final = spec.tuned_file(bench.directory, quant)
            _rename(staged, final)
            model = spec.models_file(quant)
            if model is not None:
                copies[quant].replace(model)
            published.append(Published(quant, final, final.stat().st_size, digest, model))
    own = bench.directory / imatrix_name(spec)
    if tuned.imatrix is not None:
        _rename(tuned.imatrix, own)
    else:
        forget(own)
    shutil.rmtree(staged_dir(bench.directory), ignore_errors=True)
    return published


@contextmanager
def _copied(spec: ExportSpec, files: Mapping[str, Path]) -> Iterator[Mapping[str, Path]]:
    """Put every file into the folder of models under a temporary name."""
    copies: dict[str, Path] = {}
    try:
        for quant, staged in files.items():
            model = spec.models_file(quant)
            if model is None:
                continue
            model.parent.mkdir(parents=True, exist_ok=True)
            copies[quant] = temporary_name(model)
            copies[quant].unlink(missing_ok=True)
            copy(staged, copies[quant])
            with copies[quant].open("rb") as handle:
                os.fsync(handle.fileno())
        yield copies
    except OSError as error:
        raise _named(error, spec) from error
    finally:
        for path in copies.values():
            path.unlink(missing_ok=True)


def _named(error: OSError, spec: ExportSpec) -> FinetuiError:
    if (full := no_room(error, "when the finished files got their names")) is not None:
        return full
    folder = "" if spec.models_dir is None else f" in {shorten(spec.models_dir)}"
    return ExportError(
        f"the finished files can't get their names{folder}: {error}",
        hint="choose another folder with --models-dir, and start the export again",
    )


def _rename(staged: Path, final: Path) -> None:
    """Give a staged file its name, with the record of what it was made from."""
    if staged == final:
        return
    record_of(final).unlink(missing_ok=True)
    if final.exists() and final.samefile(staged):
        staged.unlink()  # renaming one name of a file to another of the same does nothing
    else:
        place(staged, final)
    record_of(staged).replace(record_of(final))


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def remove_intermediates(spec: ExportSpec) -> list[tuple[Path, int]]:
    """Remove the merged model and its unquantised GGUF, unless they are to be kept.

    Of what is kept that is noted: it stays until the run is cleaned.

    Returns:
        What was removed, with the bytes that this gave back.
    """
    removed = []
    if spec.keep in ("merged", "all"):
        note_merged_kept(spec)
    elif spec.merged.is_dir():
        size = sum(path.stat().st_size for path in spec.merged.rglob("*") if path.is_file())
        # Its record goes first: half of it must not be taken for the whole.
        aside = temporary_name(spec.merged)
        spec.merged.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
        removed.append((spec.merged, size))
    for kind in CONVERTED:
        path = spec.converted_file(kind)
        if is_kept(path) or not path.is_file():
            continue
        if spec.keep in ("f16", "all"):
            keep(path)
            continue
        found = path.stat()
        forget(path)
        # Another name of a finished file gives nothing back.
        removed.append((path, found.st_size if found.st_nlink == 1 else 0))
    return removed
