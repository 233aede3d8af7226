"""The training recipe: ``python -m engine.train.recipe RUN_DIR [resume [--from=CHECKPOINT]]``.

Read it from top to bottom: set up, judge the untouched base, train, judge, save.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from engine.dataset import read_rows
from engine.dataset.frozen import TRAIN, VALIDATION, system_prompt
from engine.errors import DatasetRefused, FinetuiError
from engine.runs.child import Job, run_job
from engine.runs.events import read_events
from engine.runs.fold import fold
from engine.runs.kept import ADAPTER_DIR, BEST_DIR, read_best
from engine.runs.verdict import verdict
from engine.runs.view import RunView
from engine.telemetry import gpu_facts
from engine.tokens import Tokenizer
from engine.train import phases
from engine.train.backends import choose, describe, load
from engine.train.best import BestAdapter, restore_best, save_adapter
from engine.train.callbacks import make_callback
from engine.train.checkpoints import Checkpoint, Choice
from engine.train.checkpoints import choose as choose_checkpoint
from engine.train.data import TokenRows, render_rows
from engine.train.devices import Device, fallback, find_device
from engine.train.evaluating import Evaluator, fixed_part
from engine.train.fit.memory import Memory
from engine.train.gpu import torch_facts
from engine.train.meter import Meter
from engine.train.preflight import check_same_base, cut_words
from engine.train.published import name_base, public_name
from engine.train.reporting import reporting
from engine.train.samples import choose_prompts
from engine.train.saving import Saver, damage_named
from engine.train.setup import Setup
from engine.train.spec import TrainSpec, load_spec
from engine.train.trainer import make_trainer
from engine.train.warm_start import take_weights
from engine.train.watching import StepWatch

DATASET_DIR = "dataset"


_NOISY = ("torch.utils._pytree", "bitsandbytes.backends.cpu.ops")
"""Loggers that warn, as they are imported, of what no run can change."""


def main(arguments: list[str]) -> int:
    """Train the run of a directory; with ``resume``, from its last checkpoint."""
    # All files are here already. Nothing below may look for them, or for news, on a network.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for library in _NOISY:
        logging.getLogger(library).setLevel(logging.ERROR)
    directory, resume = Path(arguments[0]), "resume" in arguments[1:]
    choice: Choice | None = None
    failure: FinetuiError | None = None
    if resume:
        try:
            choice = find_checkpoint(directory, arguments[2:])
        except FinetuiError as error:
            failure = error  # said once the log is open
    step, name = (choice.checkpoint.step, choice.checkpoint.name) if choice else (0, "")
    resumed = step if resume else None
    with Job(directory, resumed_step=resumed, resumed_from=name, notify=True) as job:
        if failure is not None:
            raise failure
        say_refused(job, choice)
        train(job, choice.checkpoint if choice else None)
    return job.exit_status


def find_checkpoint(directory: Path, arguments: list[str]) -> Choice | None:
    """Return the checkpoint to go on from: the one that is asked for, else the newest whole one.

    Raises:
        CheckpointDamaged: It, or every one, is damaged.
    """
    wanted = next((word[7:] for word in arguments if word.startswith("--from=")), "")
    superseded = fold(read_events(directory)[0]).superseded
    return choose_checkpoint(directory, superseded=superseded, wanted=wanted)


def say_refused(job: Job, choice: Choice | None) -> None:
    """Say which newer checkpoints were passed over, and why."""
    for refused in choice.refused if choice else ():
        job.warn(
            f"checkpoint {refused.checkpoint.name} is damaged: {refused.reason}; "
            f"resumed from {choice.checkpoint.name if choice else ''}",
            code="checkpoint-damaged",
        )


def train(job: Job, checkpoint: Checkpoint | None) -> None:
    """Run the whole recipe inside a job.

    Args:
        job: The run's job; its directory holds the spec and the dataset.
        checkpoint: Where to go on from, if anywhere.
    """
    began = time.monotonic()
    spec = load_spec(job.directory)
    check_same_base(spec)
    restore_best(job.directory, checkpoint)
    job.phase(phases.READING)
    tokenizer = Tokenizer.load(Path(spec.base_dir))
    rows, held_out = read_split(job, spec, tokenizer)
    total = spec.total_steps(len(rows.rows))
    job.check_stop()

    job.phase(phases.LOADING)
    device = find_device()
    say_fallback(job, spec, device)
    backend = choose(spec, device)
    print(describe(backend, device, len(rows.rows)), flush=True)
    resumed = checkpoint.step if checkpoint else None
    held = job.gpu(device.card) if device.cuda else contextlib.nullcontext()
    with reporting(job, spec, resumed_step=resumed), held:
        memory = Memory(job, spec, device, backend, rows.rows)
        loaded = memory.load(lambda: load(spec, backend, device))
        if checkpoint is None:
            take_weights(spec, loaded)
        best = BestAdapter(job, partial(save_adapter, loaded.model, spec))
        meter = Meter()
        setup = Setup(
            job=job,
            spec=spec,
            device=device,
            backend=backend,
            loaded=loaded,
            train=rows,
            validation=evaluated_on(spec, rows, held_out),
            meter=meter,
            saver=make_saver(job, spec, meter, best),
            eos_ids=tokenizer.eos_ids,
        )
        evaluator = make_evaluator(setup, len(held_out.rows), best, tokenizer)
        job.check_stop()
        trainer = make_trainer(setup, make_callback(setup, evaluator, watch_steps(job)))
        if checkpoint is not None:
            with damage_named(str(checkpoint.path)):
                meter.restore(checkpoint.path)
        evaluator.judge_base()

        job.phase(phases.TRAINING, step=checkpoint.step if checkpoint else 0, total_steps=total)
        memory.train(trainer, meter, resume_from=str(checkpoint.path) if checkpoint else None)

        step = trainer.state.global_step
        complete = step >= total or evaluator.stopped_early
        if complete:
            evaluator.evaluate(step, trainer.state.epoch)
        job.phase(phases.SAVING, step=step, total_steps=total)
        save_adapter(loaded.model, spec, job.directory / ADAPTER_DIR)
    summary = result(setup, view_of(job), step, time.monotonic() - began)
    (job.finish if complete else job.stopped)({**summary, "early_stopped": evaluator.stopped_early})


def say_fallback(job: Job, spec: TrainSpec, device: Device) -> None:
    """Warn where the run trains on the CPU, and say why."""
    if device.cuda:
        return
    found = fallback(spec, device, gpu_facts(device.visible), torch_facts())
    if found is not None:
        job.warn(found.message, code="cpu-fallback", hint=found.hint)


def read_split(job: Job, spec: TrainSpec, tokenizer: Tokenizer) -> tuple[TokenRows, TokenRows]:
    """Render the run's own copy of the dataset: what is trained on, and what is held out.

    Raises:
        DatasetRefused: No example has a token to train on.
    """
    folder = job.directory / DATASET_DIR
    held_out_file = folder / VALIDATION
    rows = render_rows(tokenizer, read_rows(folder / TRAIN), spec.max_length)
    held_out = render_rows(
        tokenizer, read_rows(held_out_file) if held_out_file.exists() else [], spec.max_length
    )
    if not rows.rows:
        raise DatasetRefused(
            "no example has a token to train on",
            hint="raise max_length, or approve examples that have an answer",
        )
    for label, part in (("training", rows), ("held-out", held_out)):
        total = len(part.rows) + len(part.untrained)
        if part.untrained:
            job.warn(f"{len(part.untrained)} {label} examples have no token to train on: left out")
        if part.truncated:
            cut, what = len(part.truncated), f"{label} examples"
            job.warn(cut_words(cut, total, spec.max_length, what), code="rows-cut")
    if not held_out.rows:
        job.warn("no example is held out, so nothing will say whether the model became better")
    return rows, held_out


def evaluated_on(spec: TrainSpec, rows: TokenRows, held_out: TokenRows) -> TokenRows:
    """Return what a run is evaluated on: the validation split, or a fixed part of a large one."""
    seen = len(rows.rows) * spec.total_steps(len(rows.rows)) / spec.steps_per_epoch(len(rows.rows))
    return replace(held_out, rows=fixed_part(held_out.rows, seed=spec.seed, trained_rows=seen))


def make_evaluator(
    setup: Setup, held_out: int, best: BestAdapter, tokenizer: Tokenizer
) -> Evaluator:
    """Return what evaluates a run, keeps its best adapter, and has it answer fixed prompts.

    Args:
        setup: The run.
        held_out: How many examples the validation split has.
        best: What keeps the best adapter.
        tokenizer: The base's.
    """
    spec, folder = setup.spec, setup.job.directory / DATASET_DIR
    rows = read_rows(folder / VALIDATION) if (folder / VALIDATION).exists() else []
    return Evaluator(
        setup,
        of=held_out,
        prompts=choose_prompts(spec, tokenizer, rows, system=system_prompt(folder)),
        best=best,
        total=spec.total_steps(len(setup.train.rows)),
        losses=dict(view_of(setup.job).evals),
    )


def make_saver(job: Job, spec: TrainSpec, meter: Meter, best: BestAdapter) -> Saver:
    """Return what saves checkpoints, each with the best adapter of its time."""
    name = public_name(spec)

    def finish(folder: Path) -> None:
        name_base(folder, spec, name)
        best.link_into(folder)

    superseded = view_of(job).superseded
    return Saver(job, meter, keep=spec.keep_checkpoints, superseded=superseded, finish=finish)


def watch_steps(job: Job) -> StepWatch:
    """Return what notices a step that does not end, and have it look at each sign of life."""
    watch = StepWatch(job)
    job.on_beat(watch.look)
    return watch


def view_of(job: Job) -> RunView:
    """Return what the job's own log says so far, former lives of the run included."""
    return fold(read_events(job.directory)[0])


def result(setup: Setup, view: RunView, step: int, seconds: float) -> Mapping[str, object]:
    """Return what came out of a run.

    ``train_loss`` is the mean over the last epoch's steps; ``eval_loss`` is the last loss on the
    validation split, ``best_eval_loss`` that of the adapter in ``best/`` after ``best_step``;
    ``improvement`` is the share by which that is below the base's; ``trained_tokens`` counts a
    token as often as it was seen; ``seconds`` is the time since this process began,
    ``step_seconds`` that of all training steps, earlier lives of the run included.
    """
    meter = setup.meter
    per_epoch = setup.spec.steps_per_epoch(len(setup.train.rows))
    last = [loss for at, loss in view.losses if at > step - per_epoch]
    evals = dict(view.evals)
    base, best = evals.get(0), read_best(setup.job.directory / BEST_DIR)
    return {
        "train_loss": sum(last) / len(last) if last else None,
        "base_eval_loss": base,
        "eval_loss": evals.get(step),
        "best_step": None if best is None else best.step,
        "best_eval_loss": None if best is None else best.loss,
        "improvement": None if base is None or best is None else 1 - best.loss / base,
        "verdict": verdict(view),
        "trained_tokens": meter.trained_tokens,
        "tokens": meter.tokens,
        "steps": step,
        "seconds": round(seconds, 1),
        "step_seconds": round(meter.seconds, 1),
        "tokens_per_s": round(meter.tokens / meter.seconds, 1) if meter.seconds else None,
        "backend": setup.backend.name,
        "bits": setup.backend.bits,
        "precision": setup.backend.precision,
        "device": setup.device.name,
    }


if __name__ == "__main__":
    sys.exit(run_job(main, sys.argv[1:]))
