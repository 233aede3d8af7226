"""What an export job is to do: its ``spec.toml``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from engine import toml
from engine.errors import ExportError
from engine.export.naming import as_name
from engine.export.ollama.names import proposed
from engine.export.quants import CONVERTED
from engine.paths import shell_path, write_atomic
from engine.runs.kept import ADAPTER_DIR, BEST_DIR, Which
from engine.runs.state import SPEC_FILE
from engine.settings import GateSettings

Keep = Literal["none", "merged", "f16", "all"]
KEEPS: tuple[Keep, ...] = get_args(Keep)

IMATRIX_CHUNK = 512
"""The longest piece of text that is read at once for an importance matrix, in tokens."""

UpdateValue = Literal["path", "name"]
UPDATE_VALUES: tuple[UpdateValue, ...] = get_args(UpdateValue)


class Update(BaseModel):
    """A value in a person's own configuration file that is pointed at the export.

    Attributes:
        file: The file, absolute.
        key: The key; in JSON, TOML and YAML with dots between its parts.
        value: What it gets: the path of the GGUF, or the model's name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path
    key: str
    value: UpdateValue = "path"


class ExportSpec(BaseModel):
    """An export of one run at one or more quantisations. Paths are absolute.

    Attributes:
        run_dir: The run, with its adapters.
        base: The base model's name.
        base_dir: Its Hugging Face directory.
        base_fingerprint: What that directory held when the job was made.
        cache_dir: Where GGUFs of the base are kept.
        quants: The quantisations, in the order in which they were named. Earlier versions had
            one, as ``quant``.
        template: The chat template that both files carry.
        context: The context window with which the files are tried, in tokens.
        which: The adapter that is merged: the run's best or its last. Exports of earlier versions
            took the last.
        step: The step after which that adapter was saved; 0 where it does not say.
        name: The model's readable name, without the quantisation, as the person wrote it.
        licence: The base's licence, where it is known.
        dataset_hash: The content hash of the run's dataset, where it is known.
        imatrix: Whether an importance matrix is computed from the training text.
        allow: The gates that may fail.
        keep: Which intermediate files stay.
        models_dir: The folder that gets the finished files under a readable name.
        updates: Configuration files that are pointed at the first file.
        gates: How much is looked at before the files are published, and what they have to reach.
        into: The original in 16 bits that the adapter is merged into; empty where it is the base.
        into_dir: Its Hugging Face directory.
        into_fingerprint: What that directory held when the job was made.
        into_named: Whether a person named it; one that was only found may be left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    v: int = 1
    run_dir: Path
    base: str
    base_dir: Path
    base_fingerprint: str
    cache_dir: Path
    quants: tuple[str, ...]
    template: str
    context: int = 2048
    which: Which = "last"
    step: int = 0
    name: str = ""
    licence: str = ""
    dataset_hash: str = ""
    imatrix: bool = False
    allow: tuple[str, ...] = ()
    keep: Keep = "none"
    models_dir: Path | None = None
    updates: tuple[Update, ...] = ()
    gates: GateSettings = GateSettings()
    into: str = ""
    into_dir: str = ""
    into_fingerprint: str = ""
    into_named: bool = False

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_versions(cls, values: Any) -> Any:
        if isinstance(values, dict) and "quant" in values and "quants" not in values:
            values = {**values, "quants": [values["quant"]]}
            del values["quant"]
        return values

    @property
    def quant(self) -> str:
        """The first quantisation, which stands for the export where one has to."""
        return self.quants[0]

    @property
    def source_kind(self) -> str:
        """What the converter writes first: f16, unless all files are written by it directly."""
        if "f16" in self.quants or not set(self.quants) <= set(CONVERTED):
            return "f16"
        return self.quants[0]

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.run_dir.name

    @property
    def adapter(self) -> Path:
        """The adapter that is merged."""
        return self.run_dir / (BEST_DIR if self.which == "best" else ADAPTER_DIR)

    @property
    def merged(self) -> Path:
        """The merged model, a Hugging Face directory."""
        return self.run_dir / "merged"

    def converted_file(self, kind: str) -> Path:
        """Return where the merged model is kept as the converter writes it, beside the run."""
        return self.run_dir / f"{self.run_id}-{kind}.gguf"

    def tuned_file(self, job_dir: Path, quant: str = "") -> Path:
        """Return where the tuned model's GGUF ends up; at the first quantisation unless told."""
        return job_dir / f"{self.run_id}-{quant or self.quant}.gguf"

    def models_file(self, quant: str) -> Path | None:
        """Return where a file goes in the person's folder of models; None without such a folder."""
        if self.models_dir is None:
            return None
        return self.models_dir / f"{as_name(self.name) or self.run_id}-{quant}.gguf"

    def ollama_name(self, quant: str = "") -> str:
        """Return the name that the model gets in Ollama where none is given.

        Args:
            quant: The quantisation; empty for the first of the export.
        """
        tail = self.run_id.rpartition("-")[2]
        return proposed(self.name or self.run_id, quant, tail=tail)

    def base_gguf(self, quant: str) -> Path:
        """Return where the base model's GGUF is kept at a quantisation.

        One that an importance matrix went into depends on the run's dataset.
        """
        weighed = f"-{self.dataset_key}" if self.imatrix and quant not in CONVERTED else ""
        return self.cache_dir / f"{quant}{weighed}.gguf"

    @property
    def base_imatrix(self) -> Path:
        """Where the base model's importance matrix is kept."""
        return self.cache_dir / f"imatrix-{self.dataset_key}.gguf"

    @property
    def dataset_key(self) -> str:
        """A short name for the dataset in the names of files of the base."""
        return re.sub(r"[^0-9a-z]", "", self.dataset_hash.removeprefix("b2-"))[:12] or self.run_id

    @property
    def base_file(self) -> Path:
        """The base model's GGUF at the first quantisation."""
        return self.base_gguf(self.quant)


def staged_dir(job_dir: Path) -> Path:
    """Return the folder inside of a job's in which its files wait for the gates."""
    return job_dir / ".staged.tmp"


def update_value(spec: ExportSpec, update: Update, job_dir: Path) -> str:
    """Return what a configuration file is to say: the first file's path, or the model's name."""
    if update.value == "name":
        return spec.ollama_name()
    return str(spec.models_file(spec.quant) or spec.tuned_file(job_dir))


def write_spec(spec: ExportSpec, job_dir: Path) -> None:
    """Write a job's spec."""
    values = _plain(spec.model_dump(exclude_none=True))
    text = tomli_w.dumps(values)
    # A path that is not UTF-8 is written as its bytes.
    write_atomic(job_dir / SPEC_FILE, text.encode("utf-8", "surrogateescape"))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value


def load_spec(job_dir: Path) -> ExportSpec:
    """Read a job's spec.

    Raises:
        ExportError: It is missing or damaged.
    """
    path = job_dir / SPEC_FILE
    try:
        return ExportSpec.model_validate(toml.loads(path.read_text("utf-8", "surrogateescape")))
    except (OSError, ValueError, ValidationError) as error:
        raise ExportError(
            f"{shell_path(path)} can't be read: {error}", hint="start the export again"
        ) from error
