"""Whether a machine has the disk and the memory for an export, before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.bases import Base, ModelShape, shape_of
from engine.bases.template import read_json
from engine.errors import DiskFull, ExportTooLarge
from engine.export.files import record_of
from engine.export.merge.bases import packed_form
from engine.export.quants import QUANTS
from engine.export.spec import IMATRIX_CHUNK, ExportSpec, staged_dir
from engine.memory import memory
from engine.paths import require_free, shorten
from engine.sizes import size_words

_LIBRARIES = 700_000_000
"""What a child with torch and transformers takes beside the weights, in bytes; measured 0.6 GB."""

_CONTEXT = 200_000_000
"""What a context of llama.cpp takes beside the mapped weights, in bytes."""


def check_room(spec: ExportSpec, parameters: int, job_dir: Path | None = None) -> None:
    """Raise unless the disks have room for what the export will write.

    What an interrupted export has finished is not counted again.

    Args:
        spec: The export.
        parameters: How many weights the model has.
        job_dir: The export's folder, with what an earlier try has staged.

    Raises:
        DiskFull: A disk has too little room.
    """
    needs: dict[Path, int] = {}
    # Two bytes a weight; an untied output matrix may come on top.
    half = int(parameters * 2.2)
    merged = 0 if (spec.merged / "finetui-merge.json").is_file() else half
    needs[spec.run_dir] = merged + _missing(spec.converted_file(spec.source_kind), half)
    needs[spec.cache_dir] = _missing(spec.base_gguf(spec.source_kind), half)
    if not spec.into_dir and packed_form(spec.base_dir):
        needs[spec.cache_dir] *= 2  # its plain weights, until they are converted
    for quant in spec.quants:
        size = int(parameters * QUANTS[quant].bits / 8 * 1.2)
        # One that the converter writes first is a second name of it, and takes nothing more.
        if quant != spec.source_kind:
            staged = spec.tuned_file(staged_dir(job_dir or spec.run_dir), quant)
            needs[spec.run_dir] += _missing(staged, size)
            needs[spec.cache_dir] += _missing(spec.base_gguf(quant), size)
        if (model := spec.models_file(quant)) is not None and not _same_disk(
            spec.run_dir, model.parent
        ):
            needs[model.parent] = needs.get(model.parent, 0) + size
    _require(needs)


def _require(needs: Mapping[Path, int]) -> None:
    """Raise unless each disk has room for all that goes onto it."""
    while needs:
        folder = next(iter(needs))
        together = [other for other in needs if _same_disk(folder, other)]
        total = sum(needs[other] for other in together)
        try:
            require_free(folder, total, "the export")
        except DiskFull as error:
            raise DiskFull(
                error.message,
                hint="free some space (finetui runs clean --all --dry-run shows what can go), or "
                "export at fewer quantisations",
            ) from error
        needs = {other: need for other, need in needs.items() if other not in together}


def _missing(path: Path, size: int) -> int:
    return 0 if path.is_file() and record_of(path).is_file() else size


def _same_disk(one: Path, other: Path) -> bool:
    def device(path: Path) -> int:
        while not path.exists():
            path = path.parent
        return path.stat().st_dev

    return device(one) == device(other)


def memory_needed(spec: ExportSpec, shape: ModelShape) -> int:
    """Return about how much memory the largest step of an export takes at once, in bytes.

    Weights are read tensor by tensor or mapped, so that the largest tensor decides: in float32
    while it is computed with, and once more as it is written.

    Args:
        spec: The export.
        shape: The model's.
    """
    expert = shape.experts * shape.intermediate * shape.hidden
    largest = max(shape.vocab * shape.hidden, shape.hidden * shape.intermediate, expert)
    written = largest * (4 + 4)
    logits = IMATRIX_CHUNK * shape.vocab * 4 if spec.imatrix else 0
    return max(written + _LIBRARIES, logits + _CONTEXT)


def check_memory(spec: ExportSpec, base: Base) -> None:
    """Raise unless the machine has the memory for an export.

    Raises:
        ExportTooLarge: It has not.
    """
    needed = memory_needed(spec, shape_of(read_json(base.directory / "config.json")))
    here = memory()
    if here.available >= needed:
        return
    raise ExportTooLarge(
        f"exporting {shorten(spec.base)} needs about {size_words(needed)} of memory; "
        f"{size_words(here.available)} of {size_words(here.total)} are free",
        hint="close other programs"
        if here.total * 0.9 > needed
        else "export on a machine with more memory: finetui runs pack takes the run there",
    )
