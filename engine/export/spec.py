"""What an export job is to do: its ``spec.toml``."""

from __future__ import annotations

from pathlib import Path

import tomli_w
from pydantic import BaseModel, ConfigDict, ValidationError

from engine import toml
from engine.errors import ExportError
from engine.paths import shorten, write_atomic
from engine.runs.kept import ADAPTER_DIR, BEST_DIR, Which
from engine.runs.state import SPEC_FILE


class ExportSpec(BaseModel):
    """An export of one run at one quantisation. Paths are absolute.

    Attributes:
        run_dir: The run, with its adapters.
        base: The base model's name.
        base_dir: Its Hugging Face directory.
        base_fingerprint: What that directory held when the job was made.
        cache_dir: Where GGUFs of the base are kept.
        quant: The quantisation.
        template: The chat template that both files carry.
        context: The context window with which the files are tried, in tokens.
        which: The adapter that is merged: the run's best or its last. Exports of earlier versions
            took the last.
        step: The step after which that adapter was saved; 0 where it does not say.
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
    quant: str
    template: str
    context: int = 2048
    which: Which = "last"
    step: int = 0
    into: str = ""
    into_dir: str = ""
    into_fingerprint: str = ""
    into_named: bool = False

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

    def tuned_file(self, job_dir: Path) -> Path:
        """Return where the tuned model's GGUF ends up."""
        return job_dir / f"{self.run_id}-{self.quant}.gguf"

    @property
    def base_file(self) -> Path:
        """The base model's GGUF at the same quantisation."""
        return self.cache_dir / f"{self.quant}.gguf"


def write_spec(spec: ExportSpec, job_dir: Path) -> None:
    """Write a job's spec."""
    values = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in spec.model_dump().items()
    }
    text = tomli_w.dumps(values)
    # A path that is not UTF-8 is written as its bytes.
    write_atomic(job_dir / SPEC_FILE, text.encode("utf-8", "surrogateescape"))


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
            f"{shorten(path)} can't be read: {error}", hint="start the export again"
        ) from error
