"""What happens between two steps: events are written, evaluations made, a stop request heeded."""

from __future__ import annotations

from typing import Any

from engine.runs.child import JobStopped
from engine.train.evaluating import Evaluator
from engine.train.failing import Failing
from engine.train.meter import Meter
from engine.train.setup import Setup
from engine.train.watching import StepWatch


def make_callback(setup: Setup, evaluator: Evaluator, watch: StepWatch) -> Any:
    """Return the callback that writes a run's events, evaluates, and heeds a stop request.

    Args:
        setup: The run.
        evaluator: What evaluates it, and may end it early.
        watch: What notices a step that does not end.
    """
    from transformers import TrainerCallback

    job, spec, meter = setup.job, setup.spec, setup.meter
    failing = Failing(fp16=False)

    class RunEvents(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            failing.fp16 = bool(args.fp16)
            at_evaluation = spec.eval_steps and state.global_step % spec.eval_steps == 0
            if state.global_step and at_evaluation:
                # The run was stopped before this step could be judged.
                self._evaluate(state, control)

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            meter.begin()
            watch.begin()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            watch.end()
            meter.end()
            if job.should_stop:
                _stop(control)
            elif evaluator.due(state.global_step):
                self._evaluate(state, control)
            # A loss that is not a number ends the run, before it is saved.
            control.should_log = control.should_log or control.should_save

        def on_log(
            self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any
        ) -> None:
            if logs and "loss" in logs:
                _write_step(setup, state, logs, evaluator.left_s(state.global_step))
                failing.check(state.global_step, logs, evaluator.best_step)
                if failing.trains_nothing(logs.get("grad_norm")):
                    job.warn(
                        f"the gradient is infinite at step {state.global_step} and those before: "
                        "they have trained nothing",
                        code="gradient-not-finite",
                        hint="start a run with a lower alpha and learning rate, or precision fp32",
                    )

        def _evaluate(self, state: Any, control: Any) -> None:
            try:
                evaluator.evaluate(state.global_step, state.epoch)
            except JobStopped:
                _stop(control)
            if evaluator.stopped_early:
                _stop(control)

    return RunEvents()


def _stop(control: Any) -> None:
    control.should_save = True
    control.should_training_stop = True


def _write_step(setup: Setup, state: Any, logs: dict[str, Any], looking_s: float) -> None:
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
        step_s=round(meter.last_s, 3),
        **_rates(meter, state.max_steps - step, looking_s),
    )
    print(
        f"step {step}/{state.max_steps}  loss {loss:.4f}  lr {rate:.2e}"
        + ("" if norm is None else f"  grad {float(norm):.2f}")
        + f"  {meter.tokens_per_s:.0f} tokens/s",
        flush=True,
    )


def _rates(meter: Meter, steps_left: int, looking_s: float) -> dict[str, float]:
    """Return the rate and the time that is left, where a step has been timed.

    Args:
        meter: What has timed the steps.
        steps_left: Steps that are to come.
        looking_s: Seconds that evaluations and samples take until the end.
    """
    eta = meter.eta_s(steps_left)
    if eta is None:
        return {}
    return {"tokens_per_s": round(meter.tokens_per_s, 1), "eta_s": round(eta + looking_s, 1)}
