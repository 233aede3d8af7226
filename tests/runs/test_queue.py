"""The queue, with real processes: order, failure, death while waiting, two terminals at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.errors import RunActive
from engine.runs import is_alive, kill, launch, request_stop, state, status_words
from engine.runs.process import read_process
from engine.runs.queue import enqueue, wake
from engine.runs.seats import (
    PROCESSOR,
    behind,
    last_waiting,
    seated,
    take_seat,
    this_device,
    turn,
)
from engine.runs.tickets import TICKET_FILE, TRIES, Ticket, read_ticket, waiting, write_ticket
from engine.runs.view import place_words
from engine.telemetry import Gpu
from engine.workspace import Workspace
from tests.support.jobs import GO
from tests.support.queued_job import COURSE
from tests.support.waiting import wait_until

JOB = "tests.support.queued_job"


@pytest.fixture
def queue_dir(workspace: Workspace) -> Iterator[Path]:
    """The folder of runs; processes that a test left are ended."""
    workspace.runs_dir.mkdir(exist_ok=True)
    yield workspace.runs_dir
    for folder in workspace.runs_dir.glob("2026*"):
        kill(folder)


def make(runs_dir: Path, digits: str) -> Path:
    folder = runs_dir / f"20260101-0000{len(list(runs_dir.glob('2026*'))):02}-{digits}"
    folder.mkdir()
    (folder / "spec.toml").write_text('base = "tiny"\ndataset = "notes"\n')
    return folder


def course(runs_dir: Path) -> list[str]:
    try:
        return (runs_dir / COURSE).read_text().splitlines()
    except FileNotFoundError:
        return []


def tries(folder: Path) -> int:
    ticket = read_ticket(folder)
    return 0 if ticket is None else ticket.tries


def ended(folder: Path) -> str:
    wait_until(lambda: not state(folder).active and not is_alive(folder), what="the end")
    return state(folder).status


def test_runs_take_turns_in_order_and_a_failure_stops_nobody(
    queue_dir: Path, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, three = (make(queue_dir, name) for name in ("aaaa", "bbbb", "cccc"))
    (two / "fail").touch()
    for folder in (one, two, three):
        enqueue(folder, JOB)
    wait_until(lambda: state(one).phase == "training")
    view = state(three)
    assert (view.status, view.place, view.behind, view.waits) == ("queued", 2, two.name, True)
    assert status_words(view, 0.0) == f"queued, 2nd, behind {two.name}"
    assert state(two).behind == one.name, "the next one is behind the one that runs"
    assert not (one / TICKET_FILE).exists(), "it has had its turn"
    with pytest.raises(RunActive):
        enqueue(two, JOB)
    assert read_ticket(two) is not None, "a second attempt takes nobody's place away"

    root = ["--workspace", str(workspace.root)]
    assert main(["runs", "queue", *root]) == 0
    said = capsys.readouterr().out
    assert said.index("bbbb") < said.index("cccc")
    assert main(["runs", "queue", "--first", "cccc", "--json", *root]) == 0
    listed = json.loads(capsys.readouterr().out)["queue"]
    assert [run["id"] for run in listed] == [three.name, two.name]
    (three / GO).touch()
    (one / GO).touch()
    assert [ended(folder) for folder in (one, three, two)] == ["finished", "finished", "failed"]
    assert course(queue_dir) == [
        "begins aaaa", "ends aaaa", "begins cccc", "ends cccc", "begins bbbb", "ends bbbb",
    ]  # fmt: skip
    assert seated(PROCESSOR) == []


def test_a_waiting_process_is_small_and_becomes_the_run(queue_dir: Path) -> None:
    one, two = make(queue_dir, "aaaa"), make(queue_dir, "bbbb")
    enqueue(one, JOB)
    wait_until(lambda: state(one).phase == "training")
    enqueue(two, JOB)
    before = read_process(two)
    assert before is not None
    loaded = Path(f"/proc/{before.pid}/maps").read_text()
    assert "torch" not in loaded
    (one / GO).touch()
    wait_until(lambda: state(two).phase == "training")
    assert read_process(two) == before, "the same process, with the same lock"
    assert seated(PROCESSOR) == [two.resolve()]
    (two / GO).touch()
    assert ended(two) == "finished"


def test_one_that_is_killed_while_it_waits_is_woken_by_the_next(
    queue_dir: Path,
) -> None:
    one, two, three = (make(queue_dir, name) for name in ("aaaa", "bbbb", "cccc"))
    enqueue(one, JOB)
    wait_until(lambda: state(one).phase == "training")
    enqueue(two, JOB)
    waits = read_process(two)
    assert waits is not None
    os.kill(waits.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(two))
    view = state(two)
    assert (view.status, view.waits, view.code) == ("queued", False, "queue-not-waiting")
    assert status_words(view, 0.0) == "queued, nobody waits"
    assert "finetui runs queue --start" in view.hint
    enqueue(three, JOB)  # its process wakes the one before it
    wait_until(lambda: tries(two) == 1 and state(two).waits, what="the waking")
    for folder in (one, two, three):
        (folder / GO).touch()
    assert [ended(folder) for folder in (one, two, three)] == ["finished"] * 3
    begun = [line for line in course(queue_dir) if line.startswith("begins")]
    assert begun == ["begins aaaa", "begins bbbb", "begins cccc"]


def test_after_a_restart_the_queue_stands_until_a_person_starts_it(queue_dir: Path) -> None:
    """All processes are gone at once; tickets are all that a restart leaves."""
    one, two = make(queue_dir, "aaaa"), make(queue_dir, "bbbb")
    for order, folder in enumerate((two, one)):
        write_ticket(folder, Ticket(float(order), 1.0, "former-name", tries=TRIES))
        (folder / GO).touch()
    assert [path.name[-4:] for path, _ in waiting(queue_dir)] == ["bbbb", "aaaa"]
    assert state(one).place == 2
    assert wake(queue_dir, JOB, allowed=lambda _: True) == [], "not without a person"
    assert wake(queue_dir, JOB, allowed=lambda _: False, by_hand=True) == []
    assert wake(queue_dir, JOB, allowed=lambda _: True, by_hand=True) == [two, one]
    assert [ended(folder) for folder in (one, two)] == ["finished", "finished"]
    assert course(queue_dir)[0] == "begins bbbb"


def test_a_run_that_was_killed_as_it_began_is_not_started_again(queue_dir: Path) -> None:
    """It has said that it began, and could not take its ticket away any more."""
    one = make(queue_dir, "aaaa")
    enqueue(one, JOB)
    wait_until(lambda: state(one).phase == "training")
    info = read_process(one)
    assert info is not None
    write_ticket(one, Ticket(1.0, 1.0, info.host, offset=0))
    os.kill(info.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(one))
    assert state(one).status == "died"
    assert waiting(queue_dir) == []
    assert wake(queue_dir, JOB, allowed=lambda _: True, by_hand=True) == []


@pytest.mark.parametrize("end", [request_stop, kill])
def test_leaving_the_queue(queue_dir: Path, end: object) -> None:
    one, two = make(queue_dir, "aaaa"), make(queue_dir, "bbbb")
    enqueue(one, JOB)
    wait_until(lambda: state(one).phase == "training")
    enqueue(two, JOB)
    assert callable(end)
    assert end(two)
    assert ended(two) == ("stopped" if end is request_stop else "killed")
    assert state(two).code == ""
    (one / GO).touch()
    assert ended(one) == "finished"
    assert course(queue_dir) == ["begins aaaa", "ends aaaa"]


def test_one_whose_process_is_gone_leaves_the_queue_too(queue_dir: Path) -> None:
    one = make(queue_dir, "aaaa")
    write_ticket(one, Ticket(1.0, 1.0, "here"))
    assert request_stop(one)
    assert state(one).status == "prepared"
    assert not request_stop(one)


def test_a_run_goes_on_from_its_checkpoint_when_its_turn_comes(queue_dir: Path) -> None:
    one = make(queue_dir, "aaaa")
    launch(one, JOB)
    wait_until(lambda: state(one).phase == "training")
    request_stop(one)
    assert ended(one) == "stopped"
    (one / GO).touch()
    enqueue(one, JOB, resume=True, checkpoint="step-4")
    assert ended(one) == "finished"
    assert course(queue_dir)[-2:] == ["begins aaaa resumed", "ends aaaa"]


def test_a_run_that_was_started_directly_is_waited_for(queue_dir: Path) -> None:
    one, two = make(queue_dir, "aaaa"), make(queue_dir, "bbbb")
    with turn(PROCESSOR):
        seat = take_seat(PROCESSOR, one)
    try:
        enqueue(two, JOB)
        (two / GO).touch()
        assert wait_until(lambda: state(two).behind) == one.name
        assert course(queue_dir) == []
    finally:
        os.close(seat)
    assert ended(two) == "finished"


def test_a_run_whose_turn_has_come_waits_behind_nobody(queue_dir: Path) -> None:
    """Between taking its seat and its first word, a run has both a seat and its ticket."""
    one, two, three = (make(queue_dir, name) for name in ("aaaa", "bbbb", "cccc"))
    for order, folder in enumerate((one, two, three)):
        write_ticket(folder, Ticket(float(order), 1.0, "here"))
    with turn(PROCESSOR):
        seat = take_seat(PROCESSOR, one)
    try:
        assert behind(one) == (0, "")
        assert [behind(two), behind(three)] == [(1, one.name), (2, two.name)]
        assert last_waiting(queue_dir) == (2, three.name)
        view = replace(state(one), waits=True)
        assert status_words(view, 0.0) == "queued, its turn has come"
    finally:
        os.close(seat)
    assert behind(one) == (1, "")


def test_two_terminals_start_no_two_at_once(queue_dir: Path) -> None:
    """Each of two processes puts half of the runs into the queue, at the same time."""
    folders = [make(queue_dir, f"aaa{index}") for index in range(6)]
    for folder in folders:
        (folder / GO).touch()
    script = (
        "import sys; from pathlib import Path; from engine.runs.queue import enqueue\n"
        f"[enqueue(Path(one), {JOB!r}) for one in sys.argv[1:]]"
    )
    terminals = [
        subprocess.Popen([sys.executable, "-c", script, *map(str, folders[half::2])])
        for half in (0, 1)
    ]
    assert [terminal.wait() for terminal in terminals] == [0, 0]
    assert {ended(folder) for folder in folders} == {"finished"}
    lines = course(queue_dir)
    assert len(lines) == 12
    for begins, ends in zip(lines[::2], lines[1::2], strict=True):
        assert begins.replace("begins", "ends") == ends, "two ran at once"


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"order": "x", "at": 1, "host": "h"}',
        '{"order": NaN, "at": 1, "host": "h"}',
        '{"order": 1, "at": 1, "host": "h", "resume": true, "checkpoint": "--x y"}',
    ],
)  # fmt: skip
def test_a_damaged_ticket_is_none(queue_dir: Path, text: str) -> None:
    one = make(queue_dir, "aaaa")
    (one / TICKET_FILE).write_text(text)
    assert read_ticket(one) is None
    assert state(one).status == "prepared"


def test_places_are_counted_as_people_do() -> None:
    places = [1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111]
    words = "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 101st 111th"
    assert " ".join(map(place_words, places)) == words


def test_the_device_follows_what_is_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = (Gpu(0, "one", uuid="GPU-aaaa-1"), Gpu(1, "two", uuid="GPU-bbbb-2"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert this_device(()) == PROCESSOR
    assert this_device(gpus) == "aaaa-1"
    for visible, device in (
        ("1", "bbbb-2"), ("1,0", "bbbb-2"), ("GPU-bbbb", "bbbb-2"), ("", PROCESSOR),
        ("-1", PROCESSOR),
    ):  # fmt: skip
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert this_device(gpus) == device
