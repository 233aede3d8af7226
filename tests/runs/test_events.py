from __future__ import annotations

import json
import threading
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.runs import (
    Event,
    EventLog,
    Sample,
    Samples,
    Tail,
    fold,
    last_log_lines,
    read_events,
    tail_log,
)
from engine.runs.events import EVENTS_FILE, LOG_FILE


def test_events_come_back_as_they_were_written(tmp_path: Path) -> None:
    with EventLog(tmp_path) as log:
        log.write("run_started", pid=7)
        log.write("step", step=1, loss=2.5, text="Ștefan\n\x1b[2J", lost=float("nan"))
    events, offset = read_events(tmp_path)
    assert [event.seq for event in events] == [1, 2]
    assert [event.type for event in events] == ["run_started", "step"]
    assert events[1].data == {"step": 1, "loss": 2.5, "text": "Ștefan\n\x1b[2J", "lost": "nan"}
    assert offset == (tmp_path / EVENTS_FILE).stat().st_size
    lines = (tmp_path / EVENTS_FILE).read_text("ascii").splitlines()
    assert all(json.loads(line)["v"] == 1 for line in lines)


def test_a_field_cannot_replace_the_envelope(tmp_path: Path) -> None:
    with EventLog(tmp_path) as log:
        log.write("step", seq=99, v=7, t=0)
    (event,), _ = read_events(tmp_path)
    assert event.seq == 1
    assert event.t > 0


def test_a_torn_last_line_is_left_and_then_read_when_whole(tmp_path: Path) -> None:
    with EventLog(tmp_path) as log:
        log.write("step", step=1)
        log.write("step", step=2)
    path = tmp_path / EVENTS_FILE
    whole = path.read_bytes()
    tail = Tail(tmp_path)
    path.write_bytes(whole[:-9])
    assert [event.data["step"] for event in tail.poll()] == [1]
    assert tail.poll() == []
    path.write_bytes(whole)
    assert [event.data["step"] for event in tail.poll()] == [2]


def test_a_writer_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    with EventLog(tmp_path) as log:
        log.write("step", step=1)
        log.write("step", step=2)
    path = tmp_path / EVENTS_FILE
    path.write_bytes(path.read_bytes()[:-9])
    with EventLog(tmp_path) as log:
        log.write("step", step=3)
    events, _ = read_events(tmp_path)
    assert [(event.seq, event.data["step"]) for event in events] == [(1, 1), (2, 3)]


def test_lines_that_are_no_events_are_passed_over(tmp_path: Path) -> None:
    good = b'{"v":1,"seq":1,"t":1.0,"type":"step"}\n'
    bad = b'null\n[]\n{"seq":"x"}\n\xff\xfe\n{"seq":1,"t":null,"type":1}\n' + b"[" * 5000 + b"\n"
    (tmp_path / EVENTS_FILE).write_bytes(bad + good + b"\n\n" + good)
    assert [event.type for event in read_events(tmp_path)[0]] == ["step", "step"]


def test_a_directory_without_a_log_has_no_events(tmp_path: Path) -> None:
    assert read_events(tmp_path / "none") == ([], 0)
    assert tail_log(tmp_path / "none") == ([], 0)
    assert last_log_lines(tmp_path / "none") == []


def test_tail_goes_on_from_an_offset(tmp_path: Path) -> None:
    with EventLog(tmp_path) as log:
        log.write("step", step=1)
        first = Tail(tmp_path)
        first.poll()
        log.write("step", step=2)
        assert [event.data["step"] for event in Tail(tmp_path, first.offset).poll()] == [2]


def test_threads_share_a_writer(tmp_path: Path) -> None:
    with EventLog(tmp_path) as log:
        threads = [
            threading.Thread(target=lambda: [log.write("step", pad="x" * 500) for _ in range(50)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    events, _ = read_events(tmp_path)
    assert [event.seq for event in events] == list(range(1, 201))


def test_output_lines_are_given_whole_and_progress_bars_by_their_last_state(tmp_path: Path) -> None:
    path = tmp_path / LOG_FILE
    path.write_bytes(b"one\r\n  0%\r 50%\r100%\nbad \xff byte\nhalf")
    lines, offset = tail_log(tmp_path)
    assert lines == ["one", "100%", "bad � byte"]
    assert last_log_lines(tmp_path, 2) == ["bad � byte", "half"]
    with path.open("ab") as handle:
        handle.write(b" done\n")
    assert tail_log(tmp_path, offset)[0] == ["half done"]


def test_a_log_that_was_replaced_is_read_from_its_start(tmp_path: Path) -> None:
    (tmp_path / LOG_FILE).write_bytes(b"a long first line\n")
    _, offset = tail_log(tmp_path)
    (tmp_path / LOG_FILE).write_bytes(b"new\n")
    assert tail_log(tmp_path, offset)[0] == ["new"]


_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.floats(), max_size=2),
)
_NAMES = (
    "step total_steps loss phase epoch lr eta_s path message status result code hint "
    "resumed_step pid pid_start trained_tokens answers best"
)
_TYPES = (
    "run_started phase step eval sample gpu checkpoint log warning heartbeat run_finished other"
)
_events = st.lists(
    st.builds(
        Event,
        seq=st.integers(),
        t=st.floats(),
        type=st.sampled_from(_TYPES.split()),
        data=st.dictionaries(st.sampled_from(_NAMES.split()), _values, max_size=5),
    ),
    max_size=20,
)


@given(_events)
def test_fold_takes_any_events(events: list[Event]) -> None:
    view = fold(events)
    assert view.status in ("created", "running", "finished", "stopped", "failed")
    assert list(view.losses) == sorted(view.losses)
    assert view.step >= 0


def _said(type: str, **data: object) -> Event:
    return Event(seq=1, t=1.0, type=type, data=data)


def test_a_step_that_the_run_cannot_have_is_no_step_of_it() -> None:
    damage = [
        _said("step", step=1e30, loss=9.0, lr=9.0, eta_s=1e9),
        _said("step", step=9, loss=9.0),
        _said("step", step=5, total_steps=4, loss=9.0),
        _said("eval", step=77, loss=0.1, best=True),
        _said("phase", phase="training", step=1e30, total_steps=1e30),
    ]
    for order in (damage, damage[::-1]):
        view = fold([_said("step", step=3, total_steps=8, loss=2.0, lr=0.5), *order])
        assert (view.step, view.total_steps) == (3, 8)
        assert (view.losses, view.evals, view.lr, view.kept) == (((3, 2.0),), (), 0.5, 0)
    alone = fold([_said("step", step=1e30, loss=9.0), _said("step", step=2, loss=1.0)])
    assert (alone.step, alone.losses) == (2, ((2, 1.0),)), "also before a total is known"


def test_damaged_samples_hide_none_that_are_whole() -> None:
    whole = {"prompt": "Who?", "text": ""}
    view = fold(
        [
            _said("sample", step=2, answers=[None, whole, {"prompt": None, "text": ["a"]}]),
            _said("sample", step=2, answers=[5, {"prompt": "Who?"}]),
            _said("sample", step=4, answers=["nope"]),
            _said("sample", step=1e30, answers=[whole]),
        ]
    )
    assert view.samples == (Samples(2, (Sample("Who?", ""),)),)


def test_fold_of_a_whole_run() -> None:
    def event(seq: int, type: str, **data: object) -> Event:
        return Event(seq=seq, t=100.0 + seq, type=type, data=data)

    view = fold(
        [
            event(1, "run_started", pid=5, pid_start=1.5),
            event(2, "phase", phase="train"),
            event(3, "eval", step=0, loss=3.5),
            event(4, "step", step=1, total_steps=4, loss=3.0, lr=1e-3, tokens_per_s=90, eta_s=6),
            event(5, "step", step=2, total_steps=4, loss=2.8),
            event(6, "checkpoint", path="checkpoints/checkpoint-2"),
            event(7, "step", step=3, total_steps=4, loss=2.7),
            # The machine went down here; the run goes on from its checkpoint.
            event(8, "run_started", pid=9, pid_start=2.5, resumed_step=2),
            event(9, "step", step=4, total_steps=4, loss=2.5),
            event(10, "eval", step=4, loss=2.9),
            event(11, "warning", message="slow disk"),
            event(12, "run_finished", status="finished", result={"eval_loss": 2.9}),
        ]
    )
    assert view.status == "finished"
    assert view.losses == ((1, 3.0), (2, 2.8), (4, 2.5))
    assert view.evals == ((0, 3.5), (4, 2.9))
    assert (view.loss, view.eval_loss) == (2.5, 2.9)
    # The resumed process has told no rate.
    assert (view.lr, view.tokens_per_s) == (None, None)
    assert (view.step, view.total_steps, view.pid) == (4, 4, 9)
    assert view.checkpoints == ("checkpoints/checkpoint-2",)
    assert view.warnings == ("slow disk",)
    assert view.result == {"eval_loss": 2.9}
    assert (view.started, view.process_started, view.ended) == (101.0, 108.0, 112.0)
    assert view.eta_s is None


def test_what_a_former_process_said_of_itself_does_not_hold_for_the_next() -> None:
    def event(seq: int, type: str, **data: object) -> Event:
        return Event(seq=seq, t=100.0 + seq, type=type, data=data)

    former = [
        event(1, "run_started", pid=5, pid_start=1.5),
        event(2, "phase", phase="training"),
        event(3, "warning", message="2 examples are cut off"),
        event(
            4, "step", step=30, total_steps=96, loss=3.0, lr=1e-3, tokens_per_s=90, eta_s=6,
            grad_norm=0.8, epoch=0.6,
        ),
        event(5, "gpu", cpu_percent=90.0),
    ]  # fmt: skip
    view = fold([*former, event(6, "run_started", pid=9, resumed_step=25)])
    assert (view.phase, view.warnings, view.last_gpu) == ("", (), {})
    assert (view.lr, view.tokens_per_s, view.eta_s, view.grad_norm) == (None, None, None, None)
    assert (view.epoch, view.step, view.total_steps) == (0.0, 25, 96)
    # An export that is made again is not resumed: it begins at nothing.
    again = fold([*former, event(6, "run_started", pid=9)])
    assert (again.step, again.total_steps) == (0, 0)
