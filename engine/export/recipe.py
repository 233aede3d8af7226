"""An export, from adapter to answer: ``python -m engine.export.recipe JOB_DIR``.

Read top to bottom: merge, convert, quantise; the base by the same path; the gates; then the
files get their names, and what was only needed on the way goes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.errors import GateFailed, UpdateRefused
from engine.export.card import CARD, card
from engine.export.convert import require_converter
from engine.export.gates import Gate, GateInput, refuse, run_gates
from engine.export.gates.model import template_refused
from engine.export.making import (
    Bench,
    Side,
    clear_left,
    imatrix_name,
    make_base,
    make_tuned,
    with_kept,
)
from engine.export.merge.source import merged_into, settled
from engine.export.ollama.exported import exported_model, write_modelfile
from engine.export.ollama.modelfile import OllamaModel
from engine.export.pointing import point
from engine.export.progress import Progress
from engine.export.proven import allowed, known, remember, remember_refused
from engine.export.publish import Published, publish, remove_intermediates
from engine.export.spec import ExportSpec, load_spec, update_value
from engine.export.steps import runner
from engine.paths import write_atomic
from engine.runs import fold, read_events, verdict
from engine.runs.child import Job, run_job
from engine.tokens import Tokenizer


def main(directory: Path) -> int:
    """Run the export in a job directory and return the exit status."""
    with Job(directory) as job:
        require_converter()
        asked = settled(load_spec(directory))
        spec = with_kept(asked)
        bench = Bench(
            spec=spec,
            job=job,
            step=runner(job),
            directory=directory,
            progress=Progress(job),
            tokenizer=Tokenizer.load(spec.base_dir),
        )
        clear_left(bench)
        # What was kept of another adapter is not made anew for files that are finished.
        tuned, found = known(replace(bench, spec=asked)) or _made(bench)
        gates = _passed(bench, found)
        told = exported_model(spec, tuned.files[spec.quant], bench.tokenizer)
        told = replace(told, served=not template_refused(gates))
        written = [write_modelfile(spec, told, directory, quant) for quant in spec.quants]
        files = publish(bench, tuned)
        remember(bench, found)
        pointed = _pointed(bench)
        removed = remove_intermediates(spec)
        _write_card(bench, files, gates, told)
        result = _about(spec) | _sides(spec, files, gates)
        result["gates"] = [gate.as_dict() for gate in gates]
        result["card"] = str(directory / CARD)
        result["modelfile"] = str(written[0])
        result["ollama"] = told.as_dict()
        result["imatrix"] = _imatrix(bench)
        result["merged"] = str(spec.merged) if spec.merged.is_dir() else ""
        result["merged_into"] = merged_into(spec)
        result["removed"] = [{"path": str(path), "bytes": size} for path, size in removed]
        result["updates"] = pointed
        job.finish(result)
    return job.exit_status


def _made(bench: Bench) -> tuple[Side, tuple[Gate, ...]]:
    """Make all files and return the tuned ones, with what the gates found."""
    tuned = make_tuned(bench)
    base = make_base(bench)
    if (found := allowed(bench)) is not None:
        return tuned, found
    return tuned, run_gates(
        GateInput(
            spec=bench.spec,
            job=bench.job,
            directory=bench.directory,
            tokenizer=bench.tokenizer,
            f16=tuned.source,
            tuned=tuned.files,
            base_f16=base.source,
            base=base.files,
            progress=bench.progress,
        )
    )


def _passed(bench: Bench, gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
    """Return the gates; where one refuses, say so in the card and in the job's result."""
    bench.job.check_stop()
    try:
        return refuse(gates, bench.spec.allow)
    except GateFailed:
        remember_refused(bench, gates)
        _write_card(bench, (), gates)
        result = _about(bench.spec)
        result["gates"] = [gate.as_dict() for gate in gates]
        result["card"] = str(bench.directory / CARD)
        bench.job.finish(result)
        raise


def _write_card(
    bench: Bench,
    files: Sequence[Published],
    gates: Sequence[Gate],
    told: OllamaModel | None = None,
) -> None:
    spec = bench.spec
    text = card(
        spec,
        files,
        gates,
        imatrix=Path(_imatrix(bench)).name if files else "",
        merged=spec.merged if spec.merged.is_dir() else None,
        ollama=told.remarks if told is not None else (),
    )
    write_atomic(bench.directory / CARD, text.encode("utf-8", "surrogateescape"))


def _imatrix(bench: Bench) -> str:
    path = bench.directory / imatrix_name(bench.spec)
    return str(path) if path.is_file() else ""


def _pointed(bench: Bench) -> list[dict[str, Any]]:
    """Point the person's own configuration files at the first file.

    They were looked at before the export began. One that has changed since is warned of: the
    export itself is done.
    """
    spec = bench.spec
    told = []
    for update in spec.updates:
        try:
            value = update_value(spec, update, bench.directory)
            told.append(point(update.file, update.key, value).as_dict())
        except UpdateRefused as error:
            bench.job.warn(error.message, code=error.code, hint=error.hint)
            told.append({"file": str(update.file), "key": update.key, **error.as_dict()})
    return told


def _about(spec: ExportSpec) -> dict[str, Any]:
    return {
        "run": spec.run_id,
        "name": spec.name,
        "quant": spec.quant,
        "quants": list(spec.quants),
        "adapter": spec.which,
        "step": spec.step or None,
        "verdict": verdict(fold(read_events(spec.run_dir)[0])),
    }


def _sides(spec: ExportSpec, files: Sequence[Published], gates: Sequence[Gate]) -> dict[str, Any]:
    """Return the files with what they answered; ``tuned`` and ``base`` are the first of each."""
    answers: Mapping[str, Any] = next(
        (gate.figures for gate in gates if gate.name == "answers"), {}
    )
    told = []
    for file in files:
        base = spec.base_gguf(file.quant)
        tuned_side = {"path": str(file.path), "bytes": file.bytes}
        base_side = {"path": str(base), "bytes": base.stat().st_size}
        told.append(
            {
                "quant": file.quant,
                **tuned_side,
                "sha256": file.sha256,
                "model": str(file.model or ""),
                "tuned": tuned_side | _answer(answers, "tuned", file.quant),
                "base": base_side | _answer(answers, "base", file.quant),
            }
        )
    first = told[0]
    prompt = str(answers.get("prompt", ""))
    return {"files": told, "tuned": first["tuned"], "base": first["base"], "prompt": prompt}


def _answer(answers: Mapping[str, Any], side: str, quant: str) -> dict[str, Any]:
    found = answers.get(side, {}).get(quant, {})
    return {"answer": "", "tokens": 0, "tokens_per_s": 0.0, "ttft_s": 0.0, "load_s": 0.0, **found}


if __name__ == "__main__":
    sys.exit(run_job(main, Path(sys.argv[1])))
