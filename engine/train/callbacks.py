"""What happens between two steps: events are written, evaluations made, a stop request heeded."""

from __future__ import annotations

import math
from typing import Any

from engine.errors import RunDiverged
from engine.runs.child import JobStopped
from engine.train.meter import Meter
from engine.train.phases import EVALUATING, TRAINING
from engine.train.setup import Setup


def make_callback(setup: Setup) -> Any:
    """Return the callback that writes a run's events, evaluates, and heeds a stop request."""
    from transformers import TrainerCallback

    job, spec, meter = setup.job, setup.spec, setup.meter

    class RunEvents(TrainerCallback):  # type: ignore[misc]
        evaluated_at = -1

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            at_epoch_end = state.global_step % spec.steps_per_epoch(len(setup.train.rows)) == 0
            if state.global_step and not spec.eval_steps and at_epoch_end:
                # The run was stopped before this epoch could be judged.
                self._evaluate(state, control)

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            meter.begin()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            meter.end()
            if job.should_stop:
                _stop(control)
            elif spec.eval_steps and state.global_step % spec.eval_steps == 0:
                self._evaluate(state, control)

        def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if not spec.eval_steps and not job.should_stop:
                self._evaluate(state, control)

        def on_log(
            self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any
        ) -> None:
            if logs and "loss" in logs:
                _write_step(setup, state, logs)

        def _evaluate(self, state: Any, control: Any) -> None:
            step = state.global_step
            if not setup.validation.rows or step == self.evaluated_at:
                return
            job.phase(EVALUATING, step=step, total_steps=state.max_steps)
            try:
                loss = setup.evaluate(job.check_stop)
            except JobStopped:
                _stop(control)
                return
            self.evaluated_at = step
            job.write("eval", step=step, loss=loss, epoch=state.epoch)
            print(f"step {step}  eval loss {loss:.4f}", flush=True)
            job.phase(TRAINING, step=step, total_steps=state.max_steps)

    return RunEvents()


def _stop(control: Any) -> None:
    control.should_save = True
    control.should_training_stop = True


def _write_step(setup: Setup, state: Any, logs: dict[str, Any]) -> None:
    step, meter = state.global_step, setup.meter
    loss, rate, norm = float(logs["loss"]), float(logs["learning_rate"]), logs.get("grad_norm")
    setup.job.write(
        "step",
        step=step,
        total_steps=state.max_steps,
        epoch=round(state.epoch, 4),
        loss=loss,
        lr=rate,
        grad_norm=None if norm is None else float(norm),
        trained_tokens=meter.trained_tokens,
        **_rates(meter, state.max_steps - step),
    )
    print(
        f"step {step}/{state.max_steps}  loss {loss:.4f}  lr {rate:.2e}"
        + ("" if norm is None else f"  grad {float(norm):.2f}")
        + f"  {meter.tokens_per_s:.0f} tokens/s",
        flush=True,
    )
    if not math.isfinite(loss):
        raise RunDiverged(
            f"the loss is not a number any more at step {step}",
            hint="start a run with half the learning rate; its checkpoints are from before",
        )


def _rates(meter: Meter, steps_left: int) -> dict[str, float]:
    """Return the rate and the time that is left, where a step has been timed."""
    eta = meter.eta_s(steps_left)
    if eta is None:
        return {}
    return {"tokens_per_s": round(meter.tokens_per_s, 1), "eta_s": round(eta, 1)}
