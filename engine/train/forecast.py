"""How long a run will take, told from the last run like it: its steps, evaluations and samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.bases import Base
from engine.runs import read_events, read_spec, run_dirs, state
from engine.train.pace import FORWARD, evaluated_rows, evaluations
from engine.train.spec import TrainSpec
from engine.workspace import Workspace

_LOOK_BACK = 20


@dataclass(frozen=True, slots=True)
class Speed:
    """What a run took.

    Attributes:
        tokens_per_s: Tokens that its steps trained a second.
        row_s: Seconds that evaluating took an example; None where nothing was evaluated.
        token_s: Seconds that samples took for each token of the longest possible answer.
    """

    tokens_per_s: float
    row_s: float | None = None
    token_s: float = 0.0


def known_speed(workspace: Workspace, spec: TrainSpec, base: Base, *, on_gpu: bool) -> Speed | None:
    """Return how fast the last run with a base was on the same kind of device.

    Args:
        workspace: Where the runs are.
        spec: The run that is asked for.
        base: Its base.
        on_gpu: Whether a GPU will train it.
    """
    for directory in run_dirs(workspace)[:_LOOK_BACK]:
        earlier = read_spec(directory)
        if earlier.get("base") not in (spec.base, base.name):
            continue
        result = state(directory).result
        rate, device = result.get("tokens_per_s"), str(result.get("device", ""))
        same_device = on_gpu != device.startswith("processor")
        if same_device and isinstance(rate, int | float) and rate > 0:
            sampled = earlier.get("sample_tokens", 0)
            return _speed(directory, float(rate), sampled if isinstance(sampled, int) else 0)
    return None


def _speed(directory: Path, rate: float, sample_tokens: int) -> Speed:
    judged = rows = sampled = 0.0
    samples = 0
    for event in read_events(directory)[0]:
        seconds, count = event.data.get("seconds"), event.data.get("rows")
        if not isinstance(seconds, int | float):
            continue
        if event.type == "eval" and isinstance(count, int):
            judged, rows = judged + seconds, rows + count
        elif event.type == "sample":
            sampled, samples = sampled + seconds, samples + 1
    return Speed(
        rate,
        row_s=judged / rows if rows else None,
        token_s=sampled / samples / sample_tokens if samples and sample_tokens else 0.0,
    )


def forecast_s(
    spec: TrainSpec, speed: Speed, *, examples: int, validation: int, tokens: int
) -> float:
    """Return how many seconds a run takes, loading the base and saving left out.

    Args:
        spec: The run.
        speed: How fast an earlier one was.
        examples: How many it trains on, at least one.
        validation: How many the validation split has.
        tokens: Tokens of all its training examples, each counted once.
    """
    steps = spec.total_steps(examples)
    steps_s = tokens * spec.passes(examples) / speed.tokens_per_s
    trained_rows = examples * steps / spec.steps_per_epoch(examples)
    rows = evaluated_rows(validation, trained_rows=trained_rows)
    row_s = speed.row_s
    if row_s is None:  # a forward pass alone, over examples like those that are trained
        row_s = FORWARD * tokens / examples / speed.tokens_per_s
    each = rows * row_s
    if validation or spec.sample_prompts:
        each += spec.sample_tokens * speed.token_s
    if not each:
        return steps_s
    made = evaluations(steps, every=spec.eval_steps, steps_s=steps_s, each_s=each)
    return steps_s + made * each
