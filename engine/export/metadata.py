"""What a GGUF says of itself: its name, what it was made of, its licence.

Only what is the same wherever and whenever the export is made: no dates, no paths, nothing
random, so that the same inputs give the same bytes. The keys are those of the specification,
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#general-metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import __version__
from engine.bases import Base, presets
from engine.export.held_out import dataset_dir
from engine.export.naming import as_name, readable
from engine.export.spec import ExportSpec
from engine.runs import read_spec
from engine.runs.notes import read_said

TOOL = f"finetui {__version__}"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the converter gets. ``values`` are keys of a GGUF; the licence goes another way."""

    values: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""

    def digest_text(self) -> bytes:
        """Return all of it in one text, always the same for the same."""
        return json.dumps([dict(self.values), self.licence], sort_keys=True).encode()


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What is known of the dataset that a run was trained on; either may be empty."""

    name: str = ""
    content_hash: str = ""


def dataset_info(run_dir: Path) -> DatasetInfo:
    """Return the name and the content hash of a run's dataset, as its manifest has them."""
    try:
        manifest = json.loads((dataset_dir(run_dir) / "manifest.json").read_bytes())
        name, digest = manifest.get("name", ""), manifest.get("content_hash", "")
    except (OSError, ValueError, AttributeError, RecursionError):
        name, digest = "", ""
    return DatasetInfo(str(name or read_spec(run_dir).get("dataset", "")), str(digest))


def model_name(run_dir: Path, base: str) -> str:
    """Return a readable name for a run's model.

    It is the person's own name for the run, as they wrote it; without one it is made of the
    dataset, the base and the end of the run's id.
    """
    said = readable(read_said(run_dir).name)
    if said:
        return said
    dataset = as_name(dataset_info(run_dir).name)
    short = run_dir.name.rpartition("-")[2] or run_dir.name
    return as_name("-".join(part for part in (dataset, as_name(base), short) if part))


def licence_of(base: Base) -> str:
    """Return a base's licence: as its model card has it, else as its preset does, else empty."""
    import frontmatter

    try:
        card = frontmatter.loads((base.directory / "README.md").read_text("utf-8")[:100_000])
        said = card.metadata.get("license")
    except Exception:  # a card that is no YAML says nothing; yaml has many errors
        said = None
    if isinstance(said, str) and said:
        return said
    known = {name: preset for preset in presets() for name in (preset.name, preset.hub_id)}
    preset = known.get(base.name) or known.get(base.hub_id or base.name)
    return preset.licence.lower().replace(" ", "-") if preset is not None else ""


def tuned_metadata(spec: ExportSpec) -> Metadata:
    """Return what the tuned model's GGUF says of itself."""
    dataset = dataset_info(spec.run_dir)
    step = f" of step {spec.step}" if spec.step else ""
    trained = f", trained on the dataset {dataset.name}" if dataset.name else ""
    values: dict[str, Any] = {
        "general.name": spec.name or spec.run_id,
        "general.basename": as_name(spec.base),
        "general.finetune": as_name(dataset.name) or spec.run_id,
        "general.version": spec.run_id,
        "general.description": f"{spec.base} with the {spec.which} adapter{step} of run "
        f"{spec.run_id}{trained}",
        "general.quantized_by": TOOL,
        "general.base_models": [{"name": spec.base, "version": spec.base_fingerprint}],
    }
    if dataset.name:
        known = {"name": dataset.name, "version": dataset.content_hash}
        values["general.datasets"] = [{key: value for key, value in known.items() if value}]
    return Metadata(values, spec.licence)


def base_metadata(spec: ExportSpec) -> Metadata:
    """Return what the base model's GGUF says of itself."""
    values = {
        "general.name": spec.base,
        "general.basename": as_name(spec.base),
        "general.finetune": "base",
        "general.version": spec.base_fingerprint,
        "general.quantized_by": TOOL,
    }
    return Metadata(values, spec.licence)
