"""Looking at a run between two steps: its loss on held-out examples, and answers to fixed prompts.

Nothing of it changes what is trained: the generators of random numbers and the model's mode are
put back, so a run learns the same however often it is looked at.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import random
import time
from collections.abc import Iterator, Sequence

from engine.runs.events import read_events
from engine.train.best import BestAdapter
from engine.train.data import TokenRow
from engine.train.pace import Pace, evaluated_rows
from engine.train.phases import EVALUATING, JUDGING_BASE, TRAINING
from engine.train.samples import Prompt, answer
from engine.train.setup import Setup


def fixed_part(rows: Sequence[TokenRow], *, seed: int, trained_rows: float) -> tuple[TokenRow, ...]:
    """Return the examples on which a run is evaluated: all, or a fixed part of a large split.

    The part is chosen by the seed and the examples' ids, so that the base and every step are
    judged by the same ones; see :func:`engine.train.pace.evaluated_rows` for how large it is.

    Args:
        rows: The validation split.
        seed: The run's seed.
        trained_rows: How many rows the whole run trains on, each as often as it is seen.
    """
    count = evaluated_rows(len(rows), trained_rows=trained_rows)
    if len(rows) == count:
        return tuple(rows)
    order = sorted(rows, key=lambda row: hashlib.sha256(f"{seed}/{row.id}".encode()).digest())
    chosen = {id(row) for row in order[:count]}
    return tuple(row for row in rows if id(row) in chosen)


class Evaluator:
    """Evaluates a run, keeps its best adapter, and says when to stop early.

    Args:
        setup: The run; its ``validation`` is what it is evaluated on.
        of: How many examples the whole validation split has.
        prompts: Prompts to be answered at each evaluation.
        best: What keeps the best adapter.
        total: Steps of the run.
        losses: Evaluations of the run's earlier processes that still hold: loss by step.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        of: int,
        prompts: Sequence[Prompt],
        best: BestAdapter,
        total: int,
        losses: dict[int, float],
    ) -> None:
        self._setup = setup
        self._of = of
        self._prompts = tuple(prompts)
        self._best = best
        self._total = total
        self._losses = dict(losses)
        self._pace = Pace(total, every=setup.spec.eval_steps)
        self._pace.restore(self._costs())
        self._useful = bool(setup.validation.rows or self._prompts)
        self.stopped_early = False

    @property
    def best_step(self) -> int:
        """The step of the best adapter that is kept; 0 where there is none."""
        return self._best.best.step if self._best.best else 0

    def due(self, step: int) -> bool:
        """Say whether to evaluate after a step."""
        meter = self._setup.meter
        return self._useful and self._pace.due(step, taken_s=meter.seconds, step_s=meter.step_s)

    def left_s(self, step: int) -> float:
        """Return the seconds that evaluations and samples after a step are expected to take."""
        if not self._useful:
            return 0.0
        meter = self._setup.meter
        return self._pace.left_s(step, taken_s=meter.seconds, step_s=meter.step_s)

    def judge_base(self) -> None:
        """Evaluate what the run starts from as step 0, unless that was done.

        A fresh adapter adds nothing to the base; one that is taken over from another run does.

        Raises:
            JobStopped: The run was asked to stop.
        """
        if self._useful and not self._pace.has(0):
            self._look(0, None, JUDGING_BASE)

    def evaluate(self, step: int, epoch: float | None) -> None:
        """Evaluate the model as it is after a step, unless that was done.

        Raises:
            JobStopped: The run was asked to stop.
        """
        if not self._useful or self._pace.has(step):
            return
        self._look(step, epoch, EVALUATING)
        patience = self._setup.spec.patience
        if patience and step < self._total and since_best(self._losses) >= patience:
            self.stopped_early = True
            print(f"step {step}  no better evaluation in {patience}: stopped early", flush=True)

    def _look(self, step: int, epoch: float | None, phase: str) -> None:
        job, total = self._setup.job, self._total
        job.phase(phase, step=step, total_steps=total)
        with untouched():
            if self._setup.validation.rows:
                self._judge(step, epoch)
            if self._prompts:
                self._sample(step)
        if step:
            job.phase(TRAINING, step=step, total_steps=total)

    def _judge(self, step: int, epoch: float | None) -> None:
        setup, began = self._setup, time.monotonic()
        loss = setup.evaluate(setup.job.check_stop)
        better = step > 0 and self._best.offer(step, loss)
        if math.isfinite(loss):
            self._losses[step] = loss
        else:
            setup.job.warn(
                f"the loss on the validation split is {loss} at step {step}",
                code="eval-not-finite",
                hint="look at the training loss; a single example may be the cause",
            )
        seconds = round(time.monotonic() - began, 3)
        self._pace.made(step, seconds)
        setup.job.write(
            "eval",
            step=step,
            loss=loss,
            epoch=epoch,
            rows=len(setup.validation.rows),
            of=self._of,
            best=better,
            seconds=seconds,
        )
        name = f"step {step}" if step else "base"
        print(f"{name}  eval loss {loss:.4f}{'  best so far' if better else ''}", flush=True)

    def _sample(self, step: int) -> None:
        self._setup.job.check_stop()
        began = time.monotonic()
        texts = answer(self._setup, self._prompts)
        seconds = round(time.monotonic() - began, 3)
        self._pace.made(step, seconds)
        answers = [
            {"prompt": prompt.text, "text": text}
            for prompt, text in zip(self._prompts, texts, strict=True)
        ]
        self._setup.job.write("sample", step=step, answers=answers, seconds=seconds)

    def _costs(self) -> dict[int, float]:
        """Return what the evaluations that still hold took, in seconds by step."""
        costs: dict[int, float] = {}
        for event in read_events(self._setup.job.directory)[0]:
            resumed = event.data.get("resumed_step")
            if event.type == "run_started":
                until = resumed if isinstance(resumed, int) else -1
                costs = {step: cost for step, cost in costs.items() if step <= until}
            elif event.type in ("eval", "sample"):
                step, seconds = event.data.get("step"), event.data.get("seconds")
                if isinstance(step, int):
                    spent = float(seconds) if isinstance(seconds, int | float) else 0.0
                    costs[step] = costs.get(step, 0.0) + spent
        return costs


def since_best(losses: dict[int, float]) -> int:
    """Return how many evaluations came after the best one, the base's left out.

    Args:
        losses: Loss by step; of equal ones the earlier is the best.
    """
    later = sorted(step for step in losses if step > 0)
    if not later:
        return 0
    best = min(later, key=lambda step: (losses[step], step))
    return len(later) - 1 - later.index(best)


@contextlib.contextmanager
def untouched() -> Iterator[None]:
    """Put the generators of random numbers back as they were."""
    import numpy
    import torch

    own, of_numpy = random.getstate(), numpy.random.get_state()
    cards = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=cards):
        try:
            yield
        finally:
            random.setstate(own)
            numpy.random.set_state(of_numpy)
