"""The finished exports of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import FinetuiError
from engine.export.spec import load_spec
from engine.runs import find, state
from engine.runs.kept import Which
from engine.runs.state import SPEC_FILE
from engine.workspace import Workspace

EXPORTS_DIR = "exports"


@dataclass(frozen=True, slots=True)
class ExportInfo:
    """A finished export: both models at one quantisation.

    ``answer`` is what the tuned model said when it was tried, ``rates`` the tokens per
    second of both sides then ("base", "tuned"), ``at`` when the export ended. ``adapter`` is
    the one that was merged, saved after ``step``; 0 where that is not known.
    """

    quant: str
    tuned: Path
    base: Path
    tuned_bytes: int
    base_bytes: int
    answer: str
    modelfile: Path
    base_dir: Path
    at: float
    rates: Mapping[str, float] = field(default_factory=dict)
    adapter: Which = "last"
    step: int = 0

    @property
    def adapter_words(self) -> str:
        """Which adapter it is: ``best, step 60`` or ``last``."""
        return f"{self.adapter}, step {self.step:,}" if self.step else self.adapter


def exports_dir(run_dir: Path) -> Path:
    """Return the folder of a run's export jobs, one folder a quantisation."""
    return run_dir / EXPORTS_DIR


def artifacts(workspace: Workspace, run_id: str) -> list[ExportInfo]:
    """Return a run's finished exports whose files are still there, the newest first.

    Raises:
        RunMissing: There is no such run.
    """
    run = find(workspace, run_id)
    jobs = exports_dir(run.dir).glob(f"*/{SPEC_FILE}")
    found = [info for job in jobs if (info := _finished(job.parent)) is not None]
    return sorted(found, key=lambda info: info.at, reverse=True)


def _finished(job_dir: Path) -> ExportInfo | None:
    view = state(job_dir)
    if view.status != "finished":
        return None
    try:
        spec = load_spec(job_dir)
    except FinetuiError:
        return None
    # The folder may have been moved since, so places are taken from it, not from the result.
    tuned, base = spec.tuned_file(job_dir), spec.base_file
    try:
        sizes = tuned.stat().st_size, base.stat().st_size
    except OSError:
        return None
    sides = {side: view.result.get(side) for side in ("base", "tuned")}
    told = {side: value for side, value in sides.items() if isinstance(value, Mapping)}
    if told.get("tuned", {}).get("bytes") != sizes[0]:
        return None
    return ExportInfo(
        quant=spec.quant,
        tuned=tuned,
        base=base,
        tuned_bytes=sizes[0],
        base_bytes=sizes[1],
        answer=str(told["tuned"].get("answer", "")),
        modelfile=job_dir / "Modelfile",
        base_dir=spec.base_dir,
        at=view.ended,
        rates={side: float(value.get("tokens_per_s", 0.0)) for side, value in told.items()},
        adapter=spec.which,
        step=spec.step,
    )
