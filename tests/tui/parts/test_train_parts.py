"""The parts of Train, each in an app of its own: no screen is needed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.widget import Widget

from engine.errors import BaseMissing
from engine.runs import EventLog, RunView, Sample, Samples, read_events
from engine.runs.process import identify, write_process
from engine.train import Plan, TrainSpec
from engine.train.fit.asking import Asked
from engine.workspace import Workspace
from tests.tui.run_dirs import NOON, PROMPTS, Clock, events, make_export, make_run
from tests.tui.support import text_of, wait_until
from tui.bridge.run_tail import JobState, LogPart, RunsMoved, RunTail
from tui.parts import train_view
from tui.parts.train_charts import Comparing, Look, charts_of, reference
from tui.parts.train_fields import FormFields, PlanPane
from tui.parts.train_form_model import FormField
from tui.parts.train_live import LiveView
from tui.parts.train_runs import RunsPart
from tui.parts.train_samples import SamplesPart
from tui.stylesheets import stylesheet

pytestmark = pytest.mark.usefixtures("utc")


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the parts' clock stand still."""
    monkeypatch.setattr("tui.parts.train_words.now", lambda: NOON)


class Host(App[None]):
    """Holds one part, and what it says."""

    CSS_PATH = stylesheet("train_form")

    def __init__(self, part: Widget) -> None:
        super().__init__()
        self.part = part
        self.selected: list[str] = []
        self.changed: list[tuple[str, str]] = []
        self.opened = 0

    def compose(self) -> ComposeResult:
        yield self.part

    def on_runs_part_selected(self, event: RunsPart.Selected) -> None:
        self.selected.append(event.job.short)

    def on_runs_part_opened(self) -> None:
        self.opened += 1

    def on_form_fields_changed(self, event: FormFields.Changed) -> None:
        self.changed.append((event.name, event.value))


def jobs_of(workspace: Workspace) -> tuple[JobState, ...]:
    moved = RunTail(workspace.runs_dir).look()
    assert isinstance(moved, RunsMoved)
    return moved.jobs


# -- the list -------------------------------------------------------------------------------


async def test_the_list_says_which_job_is_looked_at(workspace: Workspace) -> None:
    make_run(workspace, "20250615-100000-aaaa")
    make_run(workspace, "20250615-110000-bbbb")
    part = RunsPart()
    app = Host(part)
    async with app.run_test() as pilot:
        assert part.job is None
        part.show(jobs_of(workspace))
        await pilot.pause()
        assert app.selected == ["bbbb"]
        part.move(1)
        await pilot.pause()
        part.show(jobs_of(workspace))
        await pilot.pause()
        # Told once for each, whatever is shown again.
        assert app.selected == ["bbbb", "aaaa"]
        part.move_to_first()
        assert part.job is not None
        assert part.job.short == "bbbb"


async def test_the_cursor_waits_for_a_run_that_is_not_listed_yet(workspace: Workspace) -> None:
    make_run(workspace, "20250615-110000-bbbb")
    part = RunsPart()
    async with Host(part).run_test():
        part.go_to(workspace.runs_dir / "20250615-100000-aaaa")
        part.show(jobs_of(workspace))
        assert part.job is not None
        assert part.job.short == "bbbb"
        make_run(workspace, "20250615-100000-aaaa")
        part.show(jobs_of(workspace))
        assert part.job.short == "aaaa"


async def test_a_job_that_ended_between_two_looks_is_given_back(workspace: Workspace) -> None:
    run = make_run(workspace, status="running", steps=10)
    part = RunsPart()
    async with Host(part).run_test():
        assert part.show(jobs_of(workspace)) == ()
        with EventLog(run) as log:
            log.write("run_finished", status="finished", result={})
        (ended,) = part.show(jobs_of(workspace))
        assert (ended.short, ended.view.status) == ("3f2a", "finished")
        assert part.show(jobs_of(workspace)) == ()


async def test_a_killed_run_has_a_sign_and_a_colour_of_its_own(workspace: Workspace) -> None:
    for number, status in enumerate(("finished", "stopped", "killed", "failed")):
        make_run(workspace, f"20250615-1{number}0000-aaa{number}", status=status)
    part = RunsPart()
    async with Host(part).run_test() as pilot:
        part.show(jobs_of(workspace))
        await pilot.pause()
        rows = [part.rows.draw(index, 48)[0] for index in range(4)]
        killed, stopped, finished = rows[1], rows[2], rows[3]
        assert finished == ("✓ ", "success")
        assert stopped == ("■ ", "muted")
        assert killed == ("✗ ", "warning")


# -- the live view --------------------------------------------------------------------------


def headline(app: App[None]) -> str:
    return app.query_one("#headline").text  # type: ignore[attr-defined, no-any-return]


async def test_nothing_of_a_former_process_is_shown_of_a_resumed_one(workspace: Workspace) -> None:
    run = make_run(workspace, status="stopped", steps=30, began=NOON - 7200)
    me = identify(os.getppid())
    assert me is not None
    write_process(run, me)
    with events(run, Clock(NOON - 4)) as log:
        log.write("run_started", pid=me.pid, pid_start=me.start_time, resumed_step=25)
    part = LiveView()
    app = Host(part)
    async with app.run_test(size=(120, 40)) as pilot:
        (job,) = jobs_of(workspace)
        part.show(job)
        await pilot.pause()
        # It runs for four seconds, though the run began two hours ago.
        assert headline(app).startswith("▶ run 3f2a running · 4 s · step 25/96")
        assert "training" not in headline(app)
        assert not any(word in headline(app) for word in ("ETA", "tokens/s", "lr "))


async def test_rates_are_shown_only_while_steps_are_made(workspace: Workspace) -> None:
    run = make_run(workspace, status="running", steps=10, began=NOON - 75)
    part = LiveView()
    app = Host(part)
    async with app.run_test(size=(120, 40)) as pilot:
        part.show(jobs_of(workspace)[0])
        await pilot.pause()
        assert all(word in headline(app) for word in ("ETA", "tokens/s", "lr "))
        with EventLog(run) as log:
            log.write("phase", phase="evaluating", step=10, total_steps=96)
        part.show(jobs_of(workspace)[0])
        assert "evaluating" in headline(app)
        assert not any(word in headline(app) for word in ("ETA", "tokens/s", "lr "))


class Stopwatch:
    """Stands in for ``time`` in the live view."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(("thin", "waits"), [(False, 2.0), (True, 120 * 40 / 750)])
async def test_new_figures_wait_for_one_another_and_news_do_not(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, thin: bool, waits: float
) -> None:
    run = make_run(workspace, status="running", steps=10, began=NOON - 75)
    watch = Stopwatch()
    monkeypatch.setattr("tui.parts.train_live.time", watch)
    part = LiveView()
    app = Host(part)
    async with app.run_test(size=(120, 40)) as pilot:
        part.draw_thinly(thin)
        part.show(jobs_of(workspace)[0])
        await pilot.pause()
        assert part.pace == pytest.approx(waits)
        with events(run, Clock(NOON)) as log:
            log.write("step", step=11, total_steps=96, loss=2.5)
            part.show(jobs_of(workspace)[0])
            part.show_log(LogPart(run, ("step 11 of the log",), fresh=False))
            assert "step 10/96" in headline(app)
            watch.now += waits
            part.tick(0)
            assert "step 11/96" in headline(app)
            assert list(part.log_view.lines) == ["step 11 of the log"]
            # An evaluation, and the end, are shown as soon as they are there.
            log.write("step", step=12, total_steps=96, loss=2.5)
            log.write("eval", step=12, loss=2.41)
            part.show(jobs_of(workspace)[0])
            assert "step 12/96" in headline(app)
            part.show_log(LogPart(run, ("last words",), fresh=False))
            log.write("run_finished", status="finished", result={})
            part.show(jobs_of(workspace)[0])
            assert "finished" in headline(app)
            part.show_log(LogPart(run, ("the end",), fresh=False))
            assert list(part.log_view.lines)[1:] == ["last words", "the end"]


async def test_a_run_that_stands_still_has_no_eta(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(workspace, status="running", steps=10, began=NOON - 75)
    part = LiveView()
    app = Host(part)
    async with app.run_test(size=(120, 40)) as pilot:
        part.show(jobs_of(workspace)[0])
        await pilot.pause()
        assert "ETA 7:10" in headline(app)
        monkeypatch.setattr("tui.parts.train_words.now", lambda: NOON + 300)
        part.tick(0)
        assert "running" in headline(app)
        assert "ETA" not in headline(app)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("finished", "e exports it"),
        ("stopped", "r resumes it from step 30 · e exports it"),
        ("killed", "it left no checkpoint · o starts it again, now or in the queue"),
    ],
)
async def test_only_what_can_be_done_next_is_said(
    workspace: Workspace, status: str, said: str
) -> None:
    make_run(workspace, status=status, steps=30)
    part = LiveView()
    app = Host(part)
    async with app.run_test(size=(120, 40)) as pilot:
        part.show(jobs_of(workspace)[0])
        await pilot.pause()
        assert said in headline(app)
        assert ("resumes" in headline(app)) == (status == "stopped")


async def test_of_an_export_that_was_stopped_nothing_is_put_beside_its_base(
    workspace: Workspace,
) -> None:
    job = make_export(make_run(workspace), status="stopped")
    with events(job, Clock(NOON)) as log:
        log.write("run_finished", status="stopped", result={})
    part = LiveView()
    app = Host(part)
    async with app.run_test(size=(120, 40)) as pilot:
        part.show(jobs_of(workspace)[1])
        await pilot.pause()
        assert "r exports it again" in headline(app)


# -- the charts -----------------------------------------------------------------------------


def by_name(jobs: tuple[JobState, ...]) -> dict[str, JobState]:
    return {job.short: job for job in jobs}


def test_several_runs_are_overlaid_and_one_is_pinned(workspace: Workspace) -> None:
    names = ("aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff")
    for hour, name in enumerate(names):
        make_run(workspace, f"20250615-1{hour}0000-{name}", total=96 + hour)
    jobs = jobs_of(workspace)
    of = by_name(jobs)
    comparing = Comparing()
    assert comparing.pin(of["aaaa"].dir)
    assert [comparing.overlay(of[name].dir) for name in names[1:]] == [True] * 4 + [None]
    compared = comparing.among(jobs)
    assert [one.job.short for one in compared] == ["aaaa", "eeee", "dddd", "cccc", "bbbb"]
    assert len({one.sign.mark for one in compared}) == len(compared)
    assert len({one.sign.colour for one in compared}) == len(compared)
    (chart,) = charts_of(of["bbbb"], compared, Look())
    # A run is not its own background, and the axis reaches to the longest.
    assert [curve.group for curve in chart.curves[::2]] == ["aaaa", "eeee", "dddd", "cccc", "bbbb"]
    assert chart.x_end == 100
    found = reference(compared, of["bbbb"])
    assert found is not None
    assert found.job.short == "aaaa"
    # What is taken off leaves its sign to the next.
    sign = comparing.signs[of["cccc"].dir]
    assert comparing.overlay(of["cccc"].dir) is False
    assert comparing.overlay(of["ffff"].dir) is True
    assert comparing.signs[of["ffff"].dir] == sign
    assert not comparing.pin(of["aaaa"].dir)
    assert reference(comparing.among(jobs), of["bbbb"]) is None


def test_runs_of_other_lengths_meet_at_their_share(workspace: Workspace) -> None:
    make_run(workspace, "20250615-100000-aaaa", steps=48, total=48)
    make_run(workspace, "20250615-110000-bbbb", steps=96, total=96)
    jobs = jobs_of(workspace)
    comparing = Comparing()
    comparing.overlay(by_name(jobs)["aaaa"].dir)
    look = Look(share=True)
    (chart,) = charts_of(by_name(jobs)["bbbb"], comparing.among(jobs), look)
    assert [curve.points[-1][0] for curve in chart.curves] == [100.0] * 4
    assert chart.x_name == "% of the run"
    assert chart.curves[3].best == 100.0
    assert chart.curves[3].best_at == "step 96"


def test_each_chart_draws_what_the_run_wrote(workspace: Workspace) -> None:
    make_run(workspace, steps=24, total=96)
    (job,) = jobs_of(workspace)
    drawn = {
        chart.title: dict(chart.curves[0].points) for chart in charts_of(job, (), Look(grid=True))
    }
    # The figures of the run's own events, read without the fold.
    steps = [event for event in read_events(job.dir)[0] if event.type == "step"]
    names = {"loss": "loss", "learning rate": "lr", "gradient norm": "grad_norm",
             "tokens/s": "tokens_per_s"}  # fmt: skip
    for title, name in names.items():
        assert drawn[title] == {event.data["step"]: event.data[name] for event in steps}
    assert Look().turned(-1).turned(1) == Look()
    (empty,) = charts_of(replace(job, view=RunView(losses=((1, 2.0),))), (), Look(chart=2))
    assert empty.empty == "this run wrote no gradient norm"


def test_the_best_of_a_run_is_that_of_its_evaluations(workspace: Workspace) -> None:
    make_run(workspace, steps=96, evals=(3.388, 3.445, 3.4, 3.689))
    (job,) = jobs_of(workspace)
    (chart,) = charts_of(job, (), Look())
    assert chart.curves[1].best == 24
    assert headline_of(job).count("got worse after step 24") == 1


def headline_of(job: JobState) -> str:
    return "\n".join(line.plain for line in train_view.headline(job, 140, NOON))


def test_a_run_that_never_beat_its_base_is_called_that(workspace: Workspace) -> None:
    make_run(workspace, steps=96, evals=(3.7, 3.65, 3.61, 3.69))
    make_run(workspace, "20250615-120000-cccc", steps=96)
    jobs = by_name(jobs_of(workspace))
    assert "never beat its base: 3.610 at best (step 72), the base 3.600" in headline_of(
        jobs["3f2a"]
    )
    assert "eval 3.600 → 2.808  -22.0%" in headline_of(jobs["cccc"])


# -- the samples ----------------------------------------------------------------------------


async def test_the_newest_answers_stand_beside_the_bases_and_earlier_ones_by_key(
    workspace: Workspace,
) -> None:
    make_run(workspace, steps=48, samples=True)
    part = SamplesPart()
    app = Host(part)
    async with app.run_test(size=(120, 20)) as pilot:
        (job,) = jobs_of(workspace)
        part.show(job.view.samples, "nothing", fresh=True)
        await pilot.pause()
        assert part.base.display
        assert "There are several reasons" in part.base.text
        assert "it took me a week to see why" in part.then.text
        assert str(part.then.border_subtitle) == "3 of 3 ← →"
        assert part.earlier()
        assert "the first was the time" in part.then.text
        # Who looks at an earlier step stays there while others come.
        more = Samples(72, (Sample(PROMPTS[0], "A newer answer."),))
        part.show((*job.view.samples, more), "nothing")
        assert "the first was the time" in part.then.text
        assert str(part.then.border_subtitle) == "2 of 4 ← →"
        assert part.later()
        assert part.later()
        assert "A newer answer." in part.then.text
        assert not part.later()
        part.show((*job.view.samples, more, replace(more, step=96)), "nothing")
        assert "step 96" in str(part.then.border_title)
        # Narrow: one pane, with the base's answer above each.
        await pilot.resize_terminal(80, 20)
        await pilot.pause()
        assert not part.base.display
        assert part.then.text.count("base  ") == 1
        assert [part.earlier() for _ in range(5)] == [True] * 4 + [False]
        assert "the base" in str(part.then.border_title)


async def test_what_a_model_says_is_inert(workspace: Workspace) -> None:
    part = SamplesPart()
    app = Host(part)
    said = "\x1b[31mred [bold]markup[/bold] \x07 bell\u202e"
    async with app.run_test(size=(120, 20)) as pilot:
        part.show((Samples(0, (Sample(said, said), Sample("p", "  "))),), "nothing", fresh=True)
        await pilot.pause()
        shown = text_of(part)
        assert r"\x1b[31mred [bold]markup[/bold] \x07 bell\u202e" in shown
        assert "(nothing)" in shown
        part.show((), "nothing yet", fresh=True)
        await pilot.pause()
        assert "nothing yet" in text_of(part)


# -- the form's fields ------------------------------------------------------------------------

FIELDS = (
    FormField("scheduler", "Learning", "How it falls", ("linear", "cosine"), closed=True),
    FormField("r", "Adapter", "Rank of the adapter"),
)


async def test_fields_tell_what_a_person_changes_and_nothing_else() -> None:
    part = FormFields()
    app = Host(part)
    async with app.run_test(size=(100, 20)) as pilot:
        await part.fill(FIELDS, {"scheduler": "linear", "r": "16"})
        part.fill_in({"r": "8", "unknown": "x"})
        await pilot.pause()
        assert app.changed == []
        assert part.values == {"scheduler": "linear", "r": "8"}
        part.focus_on("scheduler")
        await pilot.press("c")
        part.focus_on("r")
        await pilot.press("4")
        assert app.changed == [("scheduler", "cosine"), ("r", "84")]
        part.show_problems({"r": "is too large"})
        await pilot.pause()
        assert "is too large" in text_of(app.screen)
        assert "How it falls" in text_of(app.screen)


def made(spec: TrainSpec) -> Plan:
    if spec.base == "gone":
        raise BaseMissing("there is no such base", hint="name another")
    return Plan(
        examples=8, validation=2, tokens=900, trained_tokens=400, sampled=False, steps=12,
        backend="trl", device="processor, 2 cores", trainable=1, disk_bytes=1, minutes=None,
        notes=(),
    )  # fmt: skip


def unknown_shape(spec: TrainSpec) -> Asked:
    raise BaseMissing("there is no such base", hint="name another")


async def test_a_plan_says_minutes_only_where_they_are_known(tmp_path: Path) -> None:
    part = PlanPane(made, unknown_shape, {"gone": 2_000_000_000})
    app = Host(part)
    async with app.run_test(size=(100, 20)) as pilot:
        part.plan(TrainSpec(base="here", dataset="notes"))
        await wait_until(pilot, lambda: "12 steps" in text_of(part))
        assert "8 examples, 2 for validation · 400 trained tokens · 12 steps" in text_of(part)
        assert "min" not in text_of(part)
        part.plan(TrainSpec(base="gone", dataset="notes"))
        await wait_until(pilot, lambda: "starting downloads it once" in text_of(part))
        part.show_wrong(2)
        await wait_until(pilot, lambda: "2 fields to correct" in text_of(part))
