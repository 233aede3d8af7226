"""What is said of a run's evaluations, and of one that makes no steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import RunUnfinished
from engine.runs import (
    Event,
    RunView,
    choose_adapter,
    fold,
    kept,
    stall_words,
    status_words,
    verdict,
)
from engine.runs import verdict_words as words

# Measured: the base, and after each of three epochs on 146 notes.
NOTES = ((0, 3.606), (73, 3.388), (146, 3.445), (219, 3.689))


def view_of(*evals: tuple[int, float], best: int = 0, **end: object) -> RunView:
    events = [
        Event(1, 1.0, "run_started", {"pid": 1}),
        Event(2, 2.0, "step", {"step": 1, "loss": 3}),
    ]
    for step, loss in evals:
        events.append(Event(3, 3.0, "eval", {"step": step, "loss": loss, "best": step == best}))
    if end:
        events.append(Event(4, 4.0, "run_finished", end))
    return fold(events)


def test_a_run_that_got_worse_says_after_which_step_and_what_is_kept() -> None:
    view = view_of(*NOTES, best=73, status="finished", result={})
    assert (view.best, view.kept, verdict(view)) == ((73, 3.388), 73, "better")
    assert words(view) == "got worse after step 73: the best is kept"
    # An earlier version kept the last adapter alone.
    assert words(view_of(*NOTES, status="finished", result={})) == "got worse after step 73"
    early = view_of(*NOTES, best=73, status="finished", result={"early_stopped": True})
    assert words(early) == "stopped early: got worse after step 73: the best is kept"


def test_a_run_that_never_beats_its_base_is_called_that() -> None:
    worse = view_of((0, 3.0), (5, 3.2), (9, 3.1), status="finished", result={})
    assert verdict(worse) == "worse-than-base"
    assert words(worse) == "never beat its base: 3.100 at best (step 9), the base 3.000"
    assert words(view_of((0, 3.0), (5, 3.2))) == (
        "has not beaten its base yet: 3.200 at best, the base 3.000"
    )
    equal = view_of((0, 3.0), (5, 3.0), status="finished", result={})
    assert verdict(equal) == "worse-than-base"


def test_a_run_cut_short_level_with_its_base_is_not_judged() -> None:
    for end in ("stopped", "failed"):
        short = view_of((0, 3.0), (1, 3.0), status=end, result={})
        assert verdict(short) is None
        assert words(short) == "too short to judge: level with its base at step 1, 3.000"
    assert "never beat" in words(view_of((0, 3.0), (1, 3.0), status="finished", result={}))
    for evals in (((0, 3.0), (1, 3.1)), ((0, 3.0), (1, 3.0), (2, 3.0))):
        assert "never beat" in words(view_of(*evals, status="stopped", result={}))


def test_what_is_said_where_there_is_little_to_say() -> None:
    assert words(view_of((0, 4.0), (5, 3.5), (9, 3.0), status="finished", result={})) == (
        "25.0% below its base, best at step 9"
    )
    unheard = view_of(status="finished", result={})
    assert (verdict(unheard), words(unheard)) == (
        "no-validation",
        "not evaluated: no validation split",
    )
    assert (verdict(view_of((0, 3.0))), words(view_of((0, 3.0)))) == (None, "")
    assert words(view_of()) == ""


def test_the_best_of_a_future_that_was_left_is_forgotten() -> None:
    events = [
        Event(1, 1.0, "run_started", {"pid": 1}),
        Event(2, 2.0, "eval", {"step": 4, "loss": 3.0, "best": True}),
        Event(3, 3.0, "eval", {"step": 8, "loss": 2.0, "best": True}),
        Event(4, 4.0, "run_started", {"pid": 2, "resumed_step": 6}),
    ]
    assert (fold(events).best, fold(events).kept) == ((4, 3.0), 4)


def beats(events: list[Event], seconds: int) -> list[Event]:
    """Return heartbeats of as many seconds, ten apart, after events."""
    last = events[-1]
    return [
        Event(last.seq + number, last.t + 10.0 * number, "gpu", {})
        for number in range(seconds // 10 + 1)
    ]


def test_a_run_without_steps_says_for_how_long() -> None:
    def step(number: int, at: float) -> Event:
        data = {"step": number, "total_steps": 9, "loss": 3.0, "step_s": 8.0}
        return Event(number + 2, at, "step", data)

    begun = [
        Event(1, 100.0, "run_started", {"pid": 1}),
        Event(2, 110.0, "phase", {"phase": "training"}),
    ]
    first = [*begun, step(1, 200.0), step(2, 208.0)]
    events = [*first, step(3, 216.0)]
    assert stall_words(fold([*events, *beats(events, 290)])) == ""
    hung = fold([*events, *beats(events, 720)])
    assert stall_words(hung) == "no step for 12 min; those before took 8 s"
    assert status_words(hung, 936.0) == "running, no step for 12 min"
    # The first ones may compile.
    assert stall_words(fold([*first, *beats(first, 890)])) == ""
    assert stall_words(fold([*first, *beats(first, 960)])) == "no step for 16 min"
    evaluating = [*events, Event(6, 230.0, "phase", {"phase": "evaluating"})]
    assert stall_words(fold([*evaluating, *beats(evaluating, 2000)])) == ""
    again = [*evaluating, Event(7, 930.0, "phase", {"phase": "training"})]
    assert stall_words(fold([*again, *beats(again, 20)])) == ""
    ended = [*events, *beats(events, 720), Event(99, 1900.0, "run_finished", {"status": "stopped"})]
    assert stall_words(fold(ended)) == ""


def test_steps_that_are_not_logged_are_waited_for() -> None:
    events = [
        Event(1, 100.0, "run_started", {"pid": 1}),
        Event(2, 110.0, "phase", {"phase": "training"}),
    ]
    for number in range(1, 5):
        data = {"step": 50 * number, "total_steps": 900, "loss": 3.0, "step_s": 10.0}
        events.append(Event(number + 2, 110.0 + 500 * number, "step", data))
    # 49 steps of ten seconds are not heard of; the one after them has five minutes.
    assert not fold([*events, *beats(events, 780)]).hung
    assert fold([*events, *beats(events, 790)]).hung


def make_adapter(folder: Path, best: object = None) -> None:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    if best is not None:
        (folder / "best.json").write_text(json.dumps(best))


def test_the_best_adapter_is_taken_unless_the_last_is_asked_for(tmp_path: Path) -> None:
    make_adapter(tmp_path / "adapter")
    make_adapter(tmp_path / "best", {"v": 1, "step": 60, "loss": 3.388})
    assert [(one.which, one.step) for one in kept(tmp_path)] == [("best", 60), ("last", None)]
    assert choose_adapter(tmp_path).path == tmp_path / "best"
    assert choose_adapter(tmp_path, "last").path == tmp_path / "adapter"


@pytest.mark.parametrize("damage", ["", "[]", '{"step": 60}', '{"step": 1e999, "loss": 2}', "{"])
def test_a_best_that_does_not_say_what_it_is_is_not_taken(tmp_path: Path, damage: str) -> None:
    make_adapter(tmp_path / "adapter")
    make_adapter(tmp_path / "best")
    (tmp_path / "best" / "best.json").write_text(damage)
    assert choose_adapter(tmp_path).which == "last"
    with pytest.raises(RunUnfinished) as refused:
        choose_adapter(tmp_path, "best")
    assert "--adapter last" in refused.value.hint


def test_a_run_without_any_adapter_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunUnfinished):
        choose_adapter(tmp_path)
