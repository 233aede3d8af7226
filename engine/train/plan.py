"""What a run will be, told before it starts: counts, steps, device, minutes. No torch."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from engine.bases import resolve, shape_of
from engine.bases.locate import shown
from engine.bases.template import read_json
from engine.dataset import Frozen, Row, load
from engine.errors import BaseInvalid, DatasetRefused, DependencyMissing
from engine.telemetry import Gpu, snapshot, visible_gpus
from engine.tokens import Tokenizer
from engine.train.backends import backend_name, base_bits, check_installed
from engine.train.data import render_rows
from engine.train.fit import Fit
from engine.train.fit.asking import does_not_fit, fit_here, lengths, lengths_of
from engine.train.forecast import Speed, forecast_s, known_speed
from engine.train.gpu import known_problem
from engine.train.preflight import Finding, preflight, stored_layers
from engine.train.reporting import check_reporting
from engine.train.spec import ALL_LINEAR, TrainSpec
from engine.train.warm_start import adopted, adopted_note
from engine.workspace import Workspace

_SAMPLE = 400


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will be.

    ``tokens`` and ``trained_tokens`` are those of all training examples, each
    counted once; where ``sampled`` is true they were told from a part of them.
    ``trainable`` is the number of the adapter's weights; ``minutes`` include evaluations and
    samples, and are None where no earlier run on this device tells how fast it is.
    ``findings`` are those of :func:`engine.train.preflight.preflight`, and ``notes`` say them too.
    ``why`` says why this ``backend``; ``bits`` is 4 or 8 where the base is kept so, else 0;
    ``fit`` is its memory.
    """

    examples: int
    validation: int
    tokens: int
    trained_tokens: int
    sampled: bool
    steps: int
    backend: str
    device: str
    trainable: int
    disk_bytes: int
    minutes: float | None
    notes: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    why: str = ""
    bits: int = 0
    fit: Fit | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {**asdict(self), "fit": None if self.fit is None else self.fit.as_dict()}


def plan(workspace: Workspace, spec: TrainSpec) -> Plan:
    """Say what a run of a spec will be, without starting anything.

    Raises:
        BaseMissing: The base is not on this machine.
        DatasetMissing: The workspace has no such dataset.
        DatasetRefused: The dataset has nothing to train on.
        TemplateError: The base's template can't render an example.
        BaseError: The base, or the adapter to start from, can't be used.
    """
    base, dataset = resolve(spec.base), load(workspace, spec.dataset)
    rows = dataset.train_rows()
    if not rows:
        raise DatasetRefused(
            f"the dataset {dataset.name} has no example to train on",
            hint="approve more examples and freeze again",
        )
    asked, spec = spec, adopted(spec, workspace)
    part = sample(rows)
    tokenizer = Tokenizer.load(base.directory)
    findings = preflight(spec, base, tokenizer, part)
    rendered = render_rows(tokenizer, part, spec.max_length)
    share = len(rows) / len(part)
    gpus = snapshot(workspace.root).gpus
    problem = known_problem() if gpus else None
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    cards = visible_gpus(gpus, visible) if problem is None else ()
    backend, why = backend_name(spec, cuda=bool(cards))
    bits = base_bits(spec, base.directory)
    notes = _trainer_notes(spec, backend, bits, cuda=bool(cards))
    if problem is not None:
        notes.insert(0, f"the CPU will train: {problem.message}; {problem.fix}")
    notes += [str(finding) for finding in findings]
    longest = lengths_of(rendered) if len(part) == len(rows) else lengths(spec, base, dataset)
    fitting = fit_here(spec, base, longest, cards, unsloth=backend == "unsloth")
    if not fitting.fits:
        notes.append(does_not_fit(fitting))
    if spec.resume_from:
        notes.append(adopted_note(asked, spec))
    tokens = round(rendered.tokens * share)
    trainable = adapter_weights(base.directory, spec)
    speed = known_speed(workspace, spec, base, on_gpu=bool(cards))
    return Plan(
        examples=len(rows),
        validation=dataset.validation,
        tokens=tokens,
        trained_tokens=round(rendered.trained_tokens * share),
        sampled=len(part) < len(rows),
        steps=spec.total_steps(len(rows)),
        backend=backend,
        device=device_name(cards),
        trainable=trainable,
        disk_bytes=disk_needed(spec, dataset, trainable),
        minutes=_minutes(spec, speed, dataset, tokens),
        notes=tuple(notes),
        findings=findings,
        fit=fitting,
        why=why,
        bits=bits,
    )


def device_name(cards: tuple[Gpu, ...]) -> str:
    """Return what a run will compute on: the first card, or the processor."""
    if cards:
        return cards[0].name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    physical = psutil.cpu_count(logical=False) or cores or 1
    return f"processor, {min(cores or 1, physical)} cores"


def sample(rows: list[Row]) -> list[Row]:
    """Return enough rows to know them all by, spread evenly."""
    if len(rows) <= _SAMPLE:
        return rows
    return [rows[index * len(rows) // _SAMPLE] for index in range(_SAMPLE)]


def _trainer_notes(spec: TrainSpec, name: str, bits: int, *, cuda: bool) -> list[str]:
    """Return what a person should know of the trainer before the run starts."""
    notes = []
    if name == "trl" and cuda and spec.backend == "auto":
        notes.append(f"trains with trl: {backend_name(spec, cuda=cuda)[1]}")
    for check in (partial(check_installed, name, bits), partial(check_reporting, spec.report_to)):
        try:
            check()
        except DependencyMissing as error:
            notes.append(f"{error.message}; {error.hint}")
    return notes


def adapter_weights(base_dir: Path, spec: TrainSpec) -> int:
    """Return how many weights the adapter will have, told from the base's configuration.

    A LoRA layer of rank r beside a layer of m inputs and n outputs has r (m + n)
    weights (arXiv:2106.09685).

    Raises:
        BaseInvalid: It would have none.
    """
    shape = shape_of(read_json(base_dir / "config.json"))
    hidden, inner = shape.hidden, shape.intermediate
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    widths = {
        "q_proj": hidden + queries,
        "k_proj": hidden + keys,
        "v_proj": hidden + keys,
        "o_proj": queries + hidden,
        "gate_proj": hidden + inner,
        "up_proj": hidden + inner,
        "down_proj": inner + hidden,
    }
    wanted = widths if ALL_LINEAR in spec.target_modules else spec.target_modules
    counted = spec.r * shape.layers * sum(widths.get(name, 2 * hidden) for name in wanted)
    counted = counted or _of_headers(base_dir, spec)
    if not counted:
        raise BaseInvalid(
            f"an adapter on {shown(base_dir)} would have no weights: its config.json tells no "
            "sizes, and its files hold no layers by those names",
            hint="get the folder again, or set target_modules to layers that it has",
        )
    return counted


def _of_headers(base_dir: Path, spec: TrainSpec) -> int:
    """Return how many weights the adapter will have, by the headers of the base's files."""
    layers = stored_layers(base_dir).items()
    wanted = set(spec.target_modules)
    return spec.r * sum(
        sum(sizes)
        for name, sizes in layers
        if ALL_LINEAR in wanted or name.rpartition(".")[2] in wanted
    )


def disk_needed(spec: TrainSpec, dataset: Frozen, trainable: int) -> int:
    """Return the bytes that a run writes: its dataset, its checkpoints, its adapter."""
    copied = sum(file.stat().st_size for file in dataset.directory.glob("*") if file.is_file())
    # A checkpoint holds the adapter and the optimiser's two figures for each of its weights,
    # in 32 bits, and the tokenizer; one more is there while the oldest has yet to go.
    checkpoint = 3 * 4 * trainable + 10_000_000
    return copied + (spec.keep_checkpoints + 1) * checkpoint + 4 * trainable + 20_000_000


def _minutes(spec: TrainSpec, speed: Speed | None, dataset: Frozen, tokens: int) -> float | None:
    if speed is None:
        return None
    examples, validation = dataset.train, dataset.validation
    seconds = forecast_s(spec, speed, examples=examples, validation=validation, tokens=tokens)
    return seconds / 60
