"""A loss that is no number, and a step that does not end: both are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import RunDiverged
from engine.runs import read_events, state
from engine.runs.child import Job
from engine.train.failing import Failing
from engine.train.watching import StepWatch
from tests.support.waiting import wait_until


def refused(failing: Failing, *steps: tuple[float, float | None], best: int = 0) -> RunDiverged:
    for step, (loss, norm) in enumerate(steps[:-1], start=1):
        failing.check(step, {"loss": loss, "learning_rate": 2e-3, "grad_norm": norm}, best)
    loss, norm = steps[-1]
    logs = {"loss": loss, "learning_rate": 2e-3, "grad_norm": norm}
    with pytest.raises(RunDiverged) as caught:
        failing.check(len(steps), logs, best)
    return caught.value


NAN = float("nan")


def test_a_loss_that_grew_is_named_with_its_rate_and_the_losses_before() -> None:
    steps = [(2.0, 0.5), (2.5, 0.75), (9.0, 80.0), (NAN, NAN)]
    error = refused(Failing(fp16=True), *steps, best=2)
    assert error.code == "run-diverged"
    assert error.message == (
        "the loss is nan at step 4; learning rate 2.00e-03; gradient norm nan; "
        "the losses before: 2, 2.5, 9; the best adapter, of step 2, is kept"
    )
    assert error.hint.startswith("start a run with half the learning rate")
    assert error.hint.endswith("finetui export RUN")


def test_an_overflow_out_of_calm_is_laid_to_fp16() -> None:
    calm: list[tuple[float, float | None]] = [(2.0, 0.5), (1.9, 0.5), (float("inf"), None)]
    assert refused(Failing(fp16=True), *calm).hint == (
        "fp16 has overflowed: set precision to bf16 or fp32"
    )
    assert "half the learning rate" in refused(Failing(fp16=False), *calm).hint


def test_no_number_from_the_start_on_is_not_laid_to_the_rate() -> None:
    error = refused(Failing(fp16=False), (NAN, None))
    assert "from the start on" in error.message
    assert error.hint.startswith("set precision to fp32, and check the base's files")


def test_gradients_without_a_number_are_said_once_they_are_no_accident() -> None:
    failing = Failing(fp16=True)
    inf = float("inf")
    assert [failing.trains_nothing(norm) for norm in (inf, inf, 0.5, None)] == [False] * 4
    assert [failing.trains_nothing(inf) for _ in range(7)] == [False] * 4 + [True] + [False] * 2


class Clock:
    """A clock that is set by hand, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_step_that_does_not_end_is_said_once_and_then_seldom(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    with Job(tmp_path) as job:
        watch = StepWatch(job, clock=clock)

        def wait(seconds: float) -> int:
            clock.now += seconds
            watch.look()
            return sum(event.type == "warning" for event in read_events(tmp_path)[0])

        watch.begin(1)
        assert wait(800) == 0  # the first one compiles
        watch.end()
        for step in (2, 3, 4):
            watch.begin(step)
            clock.now += 8.0
            watch.end()
        assert wait(5000) == 0  # an evaluation, between two steps
        watch.begin(5)
        assert [wait(150), wait(20), wait(100), wait(529), wait(80)] == [0, 1, 1, 1, 2]
        watch.end()
        watch.begin(6)
        assert wait(100) == 2
    first, second = (event.data for event in read_events(tmp_path)[0] if event.type == "warning")
    assert first["code"] == second["code"] == "step-slow"
    assert first["message"] == "step 5 has not ended for 170 s; the steps before took 8.0 s"
    written = capfd.readouterr().err
    assert "step 5 has not ended for 170 s" in written
    assert "test_a_step_that_does_not_end_is_said_once_and_then_seldom" in written


def test_the_thread_that_gives_signs_of_life_notices_a_step_that_hangs(tmp_path: Path) -> None:
    with Job(tmp_path) as job:
        watch = StepWatch(job, first_s=0.0)
        job.on_beat(watch.look)
        watch.begin(1)

        def said() -> list[object]:
            return [event.data.get("code") for event in read_events(tmp_path)[0]]

        wait_until(lambda: "step-slow" in said(), what="the warning")
    assert state(tmp_path).status == "finished"
