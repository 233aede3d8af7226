"""An export, from adapter to answer: ``python -m engine.export.recipe JOB_DIR``.

Read top to bottom: merge, convert, quantise; the base by the same path; try both; say it.
The tuned file gets its name only after it was seen to answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.errors import DatasetMissing, FinetuiError
from engine.export.convert import require_converter
from engine.export.files import forget, place
from engine.export.held_out import dataset_dir, dataset_prompts
from engine.export.making import Bench, make_base, make_tuned
from engine.export.merge.source import merged_into, settled
from engine.export.modelfile import modelfile
from engine.export.progress import Progress
from engine.export.spec import ExportSpec, load_spec
from engine.export.steps import runner
from engine.export.verify import PROBES, Tried, try_file, usable
from engine.models import Turn
from engine.paths import write_atomic
from engine.runs import fold, read_events, verdict
from engine.runs.child import Job, run_job
from engine.tokens import Tokenizer

MODELFILE_TEMPERATURE = 0.7


def main(directory: Path) -> int:
    """Run the export in a job directory and return the exit status."""
    with Job(directory) as job:
        require_converter()
        spec = settled(load_spec(directory))
        tokenizer = Tokenizer.load(spec.base_dir)
        progress = Progress(job)
        bench = Bench(spec=spec, job=job, step=runner(job), directory=directory, progress=progress)
        temporary = make_tuned(bench)
        try:
            make_base(bench)
            prompts = usable(tokenizer, _questions(spec), spec.context)
            progress.enter("try tuned", "try the tuned model")
            tuned = try_file(temporary, tokenizer, prompts, context=spec.context)
            job.check_stop()
            progress.enter("try base", "try the base model")
            base = _try_base(spec, tokenizer, prompts)
            for side, tried in (("tuned", tuned), ("base", base)):
                _warn_of_tokens(job, side, tried)
            final = spec.tuned_file(directory)
            _write_modelfile(spec, final, tokenizer)
            place(temporary, final)
        finally:
            temporary.unlink(missing_ok=True)
        job.finish(
            {
                "run": spec.run_id,
                "quant": spec.quant,
                "adapter": spec.which,
                "step": spec.step or None,
                "verdict": verdict(fold(read_events(spec.run_dir)[0])),
                "prompt": prompts[0][-1].content,
                "tuned": _told(final, tuned),
                "base": _told(spec.base_file, base),
                "modelfile": str(final.with_name("Modelfile")),
                "merged": str(spec.merged),
                "merged_into": merged_into(spec),
            }
        )
    return job.exit_status


def _questions(spec: ExportSpec) -> list[tuple[Turn, ...]]:
    try:
        return [prompt.turns for prompt in dataset_prompts(spec.run_dir)]
    except DatasetMissing:
        return []


def _try_base(spec: ExportSpec, tokenizer: Tokenizer, prompts: Sequence[tuple[Turn, ...]]) -> Tried:
    try:
        return try_file(spec.base_file, tokenizer, prompts, context=spec.context)
    except FinetuiError:
        # A cached file that does not work must not be found again.
        forget(spec.base_file)
        raise


def _warn_of_tokens(job: Job, side: str, tried: Tried) -> None:
    if tried.different:
        job.warn(
            f"the {side} GGUF splits {len(tried.different)} of {len(PROBES)} odd texts otherwise "
            f"than the model's own tokenizer, such as {tried.different[0]!r}; chats here send "
            "token ids and are not touched by it, other programs may be"
        )


def _write_modelfile(spec: ExportSpec, final: Path, tokenizer: Tokenizer) -> None:
    text = modelfile(
        final.name,
        tokenizer,
        system=_system_prompt(spec),
        temperature=MODELFILE_TEMPERATURE,
        comment=_comment(spec),
    )
    write_atomic(final.with_name("Modelfile"), text.encode())


def _comment(spec: ExportSpec) -> str:
    """Return what the model is, for whoever finds the file alone."""
    step = f", of step {spec.step}" if spec.step else ""
    return f"run {spec.run_id} on {spec.base}: the {spec.which} adapter{step}"


def _system_prompt(spec: ExportSpec) -> str:
    """Return the system message that the dataset was frozen with."""
    try:
        manifest = json.loads((dataset_dir(spec.run_dir) / "manifest.json").read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    settings = manifest.get("settings") if isinstance(manifest, dict) else None
    return str(settings.get("system_prompt") or "") if isinstance(settings, dict) else ""


def _told(path: Path, tried: Tried) -> dict[str, object]:
    return {
        "path": str(path),
        "bytes": path.stat().st_size,
        "answer": tried.answer,
        "tokens": tried.completion_tokens,
        "tokens_per_s": round(tried.tokens_per_s, 2),
        "ttft_s": round(tried.ttft_s, 4),
        "load_s": round(tried.load_s, 3),
    }


if __name__ == "__main__":
    sys.exit(run_job(main, Path(sys.argv[1])))
