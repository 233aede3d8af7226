"""The finished exports of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import FinetuiError, GateFailed
from engine.export.spec import load_spec
from engine.runs import RunView, find, fold, read_events, state
from engine.runs.kept import Which
from engine.runs.state import SPEC_FILE
from engine.workspace import Workspace

EXPORTS_DIR = "exports"


@dataclass(frozen=True, slots=True)
class ExportInfo:
    """A finished export: both models at one quantisation.

    ``answer`` is what the tuned model said when it was tried, ``rates`` the tokens per
    second of both sides then ("base", "tuned"), ``at`` when the export ended. ``adapter`` is
    the one that was merged, saved after ``step``; 0 where that is not known. ``card`` says what
    the files are and what the gates found; exports of earlier versions have none.
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
    card: Path | None = None

    @property
    def adapter_words(self) -> str:
        """Which adapter it is: ``best, step 60`` or ``last``."""
        return f"{self.adapter}, step {self.step:,}" if self.step else self.adapter


def exports_dir(run_dir: Path) -> Path:
    """Return the folder of a run's export jobs, a folder for the quantisations of each."""
    return run_dir / EXPORTS_DIR


def artifacts(workspace: Workspace, run_id: str) -> list[ExportInfo]:
    """Return a run's finished exports whose files are still there, the newest first.

    One that is asked for again counts as it was published until the files are replaced.

    Raises:
        RunMissing: There is no such run.
    """
    run = find(workspace, run_id)
    jobs = exports_dir(run.dir).glob(f"*/{SPEC_FILE}")
    found = [info for job in jobs for info in _finished(job.parent)]
    found.sort(key=lambda info: info.at, reverse=True)
    # An export at several quantisations may have one that another export has too.
    newest: dict[str, ExportInfo] = {}
    for info in found:
        newest.setdefault(info.quant, info)
    return list(newest.values())


def _finished(job_dir: Path) -> Iterator[ExportInfo]:
    view, former = state(job_dir), None
    if view.status != "finished":
        # While a finished export is repeated, and when that was stopped, its files are still there.
        former = _former(job_dir)
        if former is None:
            return
        view = former
    try:
        spec = load_spec(job_dir)
    except FinetuiError:
        return
    which, step = spec.which, spec.step
    if former is not None:  # the repetition may have been told to take another adapter
        which, step = _adapter(former.result, which, step)
    for quant in spec.quants:
        # The folder may have been moved since, so places are taken from it, not from the result.
        tuned, base = spec.tuned_file(job_dir, quant), spec.base_gguf(quant)
        try:
            sizes = tuned.stat().st_size, base.stat().st_size
        except OSError:
            continue
        told = _told(view.result, quant)
        if told.get("tuned", {}).get("bytes") != sizes[0]:
            continue
        if former is not None and tuned.stat().st_mtime > former.ended:
            continue  # a newer file has its name already
        yield ExportInfo(
            quant=quant,
            tuned=tuned,
            base=base,
            tuned_bytes=sizes[0],
            base_bytes=sizes[1],
            answer=str(told["tuned"].get("answer", "")),
            modelfile=job_dir / "Modelfile",
            base_dir=spec.base_dir,
            at=view.ended,
            rates={side: float(value.get("tokens_per_s", 0.0)) for side, value in told.items()},
            adapter=which,
            step=step,
            card=job_dir / "card.md",
        )


def _adapter(result: Mapping[str, Any], which: Which, step: int) -> tuple[Which, int]:
    """Return which adapter a result is of; earlier versions did not say."""
    found, after = result.get("adapter"), result.get("step") or 0
    if found not in ("best", "last") or not isinstance(after, int):
        return which, step
    return found, after


def _former(job_dir: Path) -> RunView | None:
    """Return what an export was when it last finished.

    None where it never did, or where a gate refused its files since.
    """
    events = read_events(job_dir)[0]
    ends = [place for place, event in enumerate(events, 1) if event.type == "run_finished"]
    for end in reversed(ends):
        view = fold(events[:end])
        if view.status == "finished":
            return view
        if view.code == GateFailed.code:
            return None
    return None


def how_to_get(run_dir: Path, quant: str = "") -> str:
    """Return what to do where a run has no finished export at a quantisation, or none at all."""
    for job in exports_dir(run_dir).glob(f"*/{SPEC_FILE}"):
        try:
            quants = load_spec(job.parent).quants
        except FinetuiError:
            continue
        if (not quant or quant in quants) and state(job.parent).active:
            return "it is being made: wait until that ends; the Train screen shows where it is"
    option = f" --quant {quant}" if quant else ""
    return f"make one with: finetui export {run_dir.name}{option}"


def _told(result: Mapping[str, Any], quant: str) -> dict[str, Mapping[str, Any]]:
    """Return what a result says of both sides at a quantisation.

    Earlier versions exported one at a time, and wrote both sides into the result itself.
    """
    files = result.get("files")
    of_file: Mapping[str, Any] = result
    if isinstance(files, list):
        fitting = (one for one in files if isinstance(one, Mapping) and one.get("quant") == quant)
        of_file = next(fitting, {})
    sides = {side: of_file.get(side) for side in ("base", "tuned")}
    return {side: value for side, value in sides.items() if isinstance(value, Mapping)}
