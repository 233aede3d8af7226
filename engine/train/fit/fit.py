"""Whether a run fits what it would compute on: asked by form, verbs, and the run itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.bases import ModelShape, shape_of
from engine.bases.template import read_json
from engine.sizes import size_words
from engine.train.fit.nearest import Nearest, nearest
from engine.train.fit.parts import Parts
from engine.train.fit.predict import Batch, Setting, longest_batch, predict, setting_of
from engine.train.fit.sizes import model_size
from engine.train.fit.target import Target
from engine.train.spec import TrainSpec

EXPORT_OVERHEAD = 1_000_000_000
"""What merging takes beside the model: its libraries, and the layer that is merged."""


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a base without loading it.

    Attributes:
        shape: Its sizes.
        parameters: Number of weights, what the shape doesn't tell of included; 0 where not known.
        stored_bits: 4 or 8 where it is stored so.
        file_bytes: Size of its files; 0 where it is not here.
        stored_32: Whether it is stored in 32 bits.
    """

    shape: ModelShape
    parameters: int = 0
    stored_bits: int = 0
    file_bytes: int = 0
    stored_32: bool = False

    @property
    def extra(self) -> int:
        """Weights that the shape doesn't tell of, such as a vision tower; a hundredth is noise."""
        known = model_size(self.shape)
        return self.parameters - known if self.parameters > 1.01 * known else 0


def model_of(directory: Path, *, parameters: int = 0) -> Model:
    """Return what a base's directory says of it. Reads its configuration and no weights."""
    config = read_json(directory / "config.json")
    stored = config.get("quantization_config")
    bits = 0
    if isinstance(stored, Mapping):
        bits = 4 if stored.get("load_in_4bit") else 8 if stored.get("load_in_8bit") else 0
    files = sum(file.stat().st_size for file in directory.glob("*.safetensors"))
    dtype = config.get("dtype", config.get("torch_dtype"))
    shape = shape_of(config)
    # A converted base may keep another type in its files than its configuration says.
    stored_32 = files > 3 * model_size(shape) if files and not bits else dtype == "float32"
    return Model(shape, 0 if bits else parameters, bits, files, stored_32)


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a run fits.

    Attributes:
        parts: Predicted bytes at the peak, by part.
        target: What it would compute on.
        limit: Bytes that it may take.
        batch: The batch that takes most.
        nearest: Settings that fit, where it doesn't.
        export_ram: Bytes of memory that merging takes afterwards.
    """

    parts: Parts
    target: Target
    limit: int
    batch: Batch
    nearest: tuple[Nearest, ...] = field(default=())
    export_ram: int = 0

    @property
    def fits(self) -> bool:
        """Whether the predicted peak is within the limit."""
        return self.parts.total <= self.limit

    @property
    def words(self) -> str:
        """The verdict in a few words: ``9.6 of 12.0 GB, fits``."""
        return f"{size_words(self.parts.total)} of {size_words(self.limit)}, " + (
            "fits" if self.fits else "does not fit"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``: the parts by name, and the rest beside them."""
        return {
            **self.parts.as_dict(),
            "fits": self.fits,
            "limit": self.limit,
            "device": self.target.name,
            "device_total": self.target.total,
            "device_free": self.target.free,
            "rows": self.batch.rows,
            "longest": self.batch.length,
            "nearest": [one.as_dict() for one in self.nearest],
            "export_ram": self.export_ram,
        }


def fit(
    model: Model,
    spec: TrainSpec,
    target: Target,
    *,
    unsloth: bool,
    rows: Sequence[tuple[int, int]] = (),
) -> Fit:
    """Say whether a run fits, by part, and what would.

    Args:
        model: The base.
        spec: The run.
        target: What it would compute on.
        unsloth: Whether unsloth trains it.
        rows: Length and trained tokens of each example; see :func:`longest_batch`.
    """

    def parts(one: TrainSpec) -> Parts:
        setting = setting_of(one, target, unsloth=unsloth, stored_bits=model.stored_bits)
        return predict(
            model.shape,
            one,
            longest_batch(one, rows),
            setting,
            limit=target.total,
            extra=model.extra,
            file_bytes=_read_while_loading(model, setting),
        )

    limit, made = target.limit, parts(spec)
    quantised = not model.stored_bits
    offers = () if made.total <= limit else nearest(spec, limit, parts, quantised=quantised)
    return Fit(
        parts=made,
        target=target,
        limit=limit,
        batch=longest_batch(spec, rows),
        nearest=offers,
        export_ram=export_ram(model),
    )


def _read_while_loading(model: Model, setting: Setting) -> int:
    """Return what of a base's files counts while it is loaded.

    Files are mapped into memory. Pages that are read count until the mapping ends, in addition
    to their copy in another type; weights that are kept as they are stored are not copied.
    """
    if setting.cuda or (model.stored_32 and setting.bits == 32):
        return 0
    return model.file_bytes


def export_ram(model: Model) -> int:
    """Return the memory that merging and converting take: the base in 16 bits, and libraries."""
    weights = max(model.parameters, model_size(model.shape))
    return 2 * weights + EXPORT_OVERHEAD
