"""A loss that is no number, and a step that does not end: both are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import RunDiverged
from engine.runs import Event, fold, read_events, stall_words, state
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

        watch.begin()
        assert wait(800) == 0  # the first one compiles
        watch.end()
        for _ in range(3):
            watch.begin()
            clock.now += 8.0
            watch.end()
        assert wait(5000) == 0  # an evaluation, between two steps
        watch.begin()
        assert [wait(290), wait(20), wait(200), wait(1039), wait(80)] == [0, 1, 1, 1, 2]
        watch.end()
        watch.begin()
        assert wait(290) == 2
    first, second = (event.data for event in read_events(tmp_path)[0] if event.type == "warning")
    assert first["code"] == second["code"] == "run-hung"
    assert first["message"] == "no step for 5 min; those before took 8 s"
    written = capfd.readouterr().err
    assert "no step for 5 min; those before took 8 s; this is where it is:" in written
    assert "test_a_step_that_does_not_end_is_said_once_and_then_seldom" in written


@pytest.mark.parametrize("usual", [0.0, 0.5, 8.0, 40.0])
def test_the_run_and_who_reads_its_events_call_the_same_step_hung(
    tmp_path: Path, usual: float
) -> None:
    clock = Clock()
    clock.now = 100.0
    events = [
        Event(1, 100.0, "run_started", {"pid": 1}),
        Event(2, 100.0, "phase", {"phase": "training"}),
    ]
    with Job(tmp_path) as job:
        watch = StepWatch(job, clock=clock)
        for step in range(1, 6 if usual else 1):
            watch.begin()
            clock.now += usual
            watch.end()
            data = {"step": step, "total_steps": 9, "loss": 1.0, "step_s": usual}
            events.append(Event(step + 2, clock.now, "step", data))
        began, words = clock.now, ""
        watch.begin()
        while not words and clock.now < began + 1000:
            watch.look()
            events.append(Event(len(events) + 1, clock.now, "gpu", {}))
            words = stall_words(fold(events))
            said = [one.data for one in read_events(tmp_path)[0] if one.type == "warning"]
            assert [one["message"] for one in said] == ([words] if words else [])
            clock.now += 5.0
    # Twenty times as long as usual, five minutes at least; fifteen where nothing is usual yet.
    after = {0.0: 900.0, 0.5: 300.0, 8.0: 300.0, 40.0: 800.0}[usual]
    assert clock.now - began == after + 5.0
    assert said[0]["code"] == "run-hung"


def test_the_thread_that_gives_signs_of_life_notices_a_step_that_hangs(tmp_path: Path) -> None:
    with Job(tmp_path) as job:
        watch = StepWatch(job, first_s=0.0)
        job.on_beat(watch.look)
        watch.begin()

        def said() -> list[object]:
            return [event.data.get("code") for event in read_events(tmp_path)[0]]

        wait_until(lambda: "run-hung" in said(), what="the warning")
    assert state(tmp_path).status == "finished"
