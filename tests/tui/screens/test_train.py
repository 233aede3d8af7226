"""The Train screen on real job directories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from engine.dataset import freeze
from engine.runs import EventLog, launch, state
from engine.runs.process import read_process, write_process
from engine.workspace import Workspace
from tests.support.checkpoints import make_checkpoint
from tests.support.datasets import examples
from tests.tui.run_dirs import GIB, NOON, events, machine, make_export, make_run
from tests.tui.run_dirs import Clock as FixedClock
from tests.tui.support import LARGE, SMALL, opened_app, stage_name, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.quant import QuantDialog, WishesDialog
from tui.screens.train import TrainScreen
from tui.screens.train_form import TrainForm
from tui.widgets.frame import job_style

pytestmark = pytest.mark.usefixtures("utc")


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the screens' clock stand still."""
    monkeypatch.setattr("tui.parts.train_words.now", lambda: NOON)
    monkeypatch.setattr("tui.bridge.jobs.now", lambda: NOON)


def screen_of(app: FinetuiApp) -> TrainScreen:
    return cast("TrainScreen", app.stage)


def shown(app: FinetuiApp) -> str:
    return text_of(app.screen)


async def test_an_empty_screen_teaches(workspace: Workspace) -> None:
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "3 then z freezes one" in shown(app))
        assert "no NVIDIA GPU: trains on the CPU with transformers + peft + trl" in shown(app)
        await pilot.press("n")
        # The form is there in the same turn, and says what is missing.
        assert isinstance(app.screen, TrainForm)
        await wait_until(pilot, lambda: "There is no dataset to train on yet" in shown(app))
        assert "3 goes to Dataset; z freezes one there" in shown(app)
        assert "start" not in shown(app).splitlines()[-2]
        await pilot.press("ctrl+s")
        assert isinstance(app.screen, TrainForm)
        await pilot.press("3")
        await wait_until(pilot, lambda: stage_name(app) == "dataset")
        assert not isinstance(app.screen_stack[-1], TrainForm)


async def test_keys_behind_n_belong_to_the_form(workspace: Workspace) -> None:
    freeze_few(workspace)
    make_run(workspace, steps=96)
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).job is not None)
        # None of them kills, exports or holds a run; typed into the base they are text.
        await pilot.press("n", "down", "e", "K", "v", "r", "s")
        form = cast("TrainForm", app.screen)
        await wait_until(pilot, lambda: form.control_of("base").value.endswith("eKvrs"))
        assert app.screen is form
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.stage)
        assert len(list(workspace.runs_dir.iterdir())) == 1


async def test_escape_while_a_dialog_loads_closes_the_dialog(workspace: Workspace) -> None:
    make_run(workspace)
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).job is not None)
        for key in ("n", "e"):
            await pilot.press(key, "escape")
            await wait_until(pilot, lambda: app.screen is app.stage)
        assert not (workspace.runs_dir / "20250615-110000-3f2a" / "exports").exists()


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_finished_run_is_there_with_its_whole_history(
    workspace: Workspace, size: tuple[int, int]
) -> None:
    make_run(workspace, steps=96)
    async with opened_app(workspace, size, stage="train") as (app, pilot):
        if size == SMALL:
            await wait_until(pilot, lambda: "3f2a" in shown(app))
            await pilot.press("tab")
        await wait_until(pilot, lambda: "step 96  eval loss 2.8080" in shown(app))
        screen = shown(app)
        assert "✓ run 3f2a finished in 8:20 · step 96/96" in screen
        assert "eval 3.600 → 2.808  -22.0%" in screen
        assert "◆ eval 2.808" in screen
        assert "finished" in screen
        assert len(screen_of(app).live.plot.curves[0].points) == 96


async def test_news_of_a_running_run_arrive(workspace: Workspace) -> None:
    run = make_run(workspace, status="running", steps=10, began=NOON - 70)
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "step 10/96" in shown(app))
        with events(run, FixedClock(NOON)) as log:
            log.write("step", step=11, total_steps=96, loss=2.5, eta_s=160.0, tokens_per_s=1840.4)
            log.write("eval", step=11, loss=2.41)
            log.write("gpu", **machine(1, cards=2))
        with (run / "stdout.log").open("a", encoding="utf-8") as output:
            output.write("step 11/96  loss 2.5000\n")
        await wait_until(pilot, lambda: "step 11/96  loss 2.5000" in shown(app))
        screen = shown(app)
        assert "ETA 2:40" in screen
        assert "1,840 tokens/s" in screen
        assert "◆ eval 2.410" in screen
        assert "GPU 0  NVIDIA GeForce RTX 5070" in screen
        assert "GPU 1  NVIDIA RTX A2000 12GB" in screen
        assert "9.8 of 12.0 GiB" in screen


async def test_a_failed_run_says_why_and_what_to_do(workspace: Workspace) -> None:
    make_run(workspace, status="failed", steps=30)
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "the disk became full" in shown(app))
        assert "free some space, then start it again" in shown(app)
        # It failed before its first checkpoint.
        assert "r resume" not in shown(app)


async def test_a_run_that_died_shows_its_last_words(workspace: Workspace) -> None:
    run = make_run(workspace, status="died", steps=30)
    with (run / "stdout.log").open("a", encoding="utf-8") as output:
        output.write("RuntimeError: \x1b[31m[bold]out of memory[/bold]\n")
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "✗ run 3f2a died" in shown(app))
        # In the headline and in the log alike.
        await wait_until(pilot, lambda: shown(app).count("[bold]out of memory[/bold]") == 2)
        assert r"\x1b[31m" in shown(app)


async def test_an_overlaid_run_is_drawn_behind_the_others(workspace: Workspace) -> None:
    make_run(workspace, "20250615-100000-aaaa", level=3.4, changes={"r": 8})
    make_run(workspace, "20250615-110000-bbbb")
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "run bbbb" in shown(app))
        await pilot.press("v", "j")
        await wait_until(pilot, lambda: "against run bbbb" in shown(app))
        plot = screen_of(app).live.plot
        assert [curve.group for curve in plot.curves] == ["bbbb", "bbbb", "aaaa", "aaaa"]
        assert "r               8  ○ 16" in shown(app)
        assert "bbbb○" in shown(app)
        await pilot.press("k", "space")
        await wait_until(pilot, lambda: "run bbbb is not overlaid any more" in shown(app))
        assert len(plot.curves) == 2


async def test_the_pinned_run_is_what_others_are_set_against(workspace: Workspace) -> None:
    for number, name in enumerate(("aaaa", "bbbb", "cccc")):
        make_run(workspace, f"20250615-1{number}0000-{name}", changes={"r": 4 << number})
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "run cccc" in shown(app))
        await pilot.press("p", "j", "v", "j")
        await wait_until(pilot, lambda: "against run cccc" in shown(app))
        assert "r               4  □ 16" in shown(app)
        assert "cccc□" in shown(app)
        assert "bbbb○" in shown(app)
        plot = screen_of(app).live.plot
        assert [curve.group for curve in plot.curves[::2]] == ["cccc", "bbbb", "aaaa"]
        await pilot.press("t")
        await wait_until(pilot, lambda: "% of the run" in shown(app))


async def test_keys_turn_the_charts(workspace: Workspace) -> None:
    make_run(workspace, steps=96)
    async with opened_app(workspace, SMALL, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).job is not None)
        # The live view comes to the front where it is folded away.
        await pilot.press("right_square_bracket")
        await wait_until(pilot, lambda: "━ learning rate" in shown(app))
        await pilot.press("left_square_bracket", "left_square_bracket")
        await wait_until(pilot, lambda: "━ tokens/s" in shown(app))
        await pilot.press("c")
        names = ("loss", "learning rate", "gradient norm", "tokens/s")
        await wait_until(pilot, lambda: all(f"{name}  " in shown(app) for name in names))
        await pilot.press("c", "y")
        await wait_until(pilot, lambda: screen_of(app).live.plot.charts[0].log)
        assert len(screen_of(app).live.plot.charts) == 1


async def test_samples_are_shown_beside_the_bases(workspace: Workspace) -> None:
    run = make_run(workspace, status="running", steps=48, samples=True)
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).job is not None)
        await pilot.press("a")
        await wait_until(pilot, lambda: "Samples · step 48" in shown(app))
        assert "There are several reasons" in shown(app)
        assert "it took me a week to see why" in shown(app)
        await pilot.press("left")
        await wait_until(pilot, lambda: "the first was the time" in shown(app))
        await pilot.press("right")
        # The next evaluation's answers come by themselves.
        with events(run, FixedClock(NOON)) as log:
            said = [{"prompt": "Why?", "text": "Because the harbour was shut."}]
            log.write("sample", step=72, answers=said)
        await wait_until(pilot, lambda: "Because the harbour was shut." in shown(app))
        await pilot.press("right")
        await wait_until(pilot, lambda: "these are the newest samples" in shown(app))


async def test_the_log_is_searched_and_held(workspace: Workspace) -> None:
    make_run(workspace, steps=96)
    async with opened_app(workspace, SMALL, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).job is not None)
        await pilot.press("l", "slash", *"eval loss")
        await wait_until(pilot, lambda: "5 lines found" in shown(app))
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.screen is app.stage)
        await pilot.press("M", "M")
        await wait_until(pilot, lambda: "step 48  eval loss" in shown(app))
        log = screen_of(app).live.log_view
        assert str(log.border_subtitle).startswith("3 of 5 with eval loss")
        assert "not at the end" in str(log.border_title)
        await pilot.press("escape", "m")
        await wait_until(pilot, lambda: "nothing is searched for" in shown(app))
        assert log.is_following
        await pilot.press("f")
        await wait_until(pilot, lambda: "the log stays where it is" in shown(app))


async def test_charts_are_ascii_where_that_is_set(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "linux")
    make_run(workspace, steps=96)
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "* loss" in shown(app))
        assert not any(0x2800 <= ord(letter) < 0x2900 for letter in shown(app))
        assert "@ eval 2.808" in shown(app)


async def test_memory_stands_beside_what_was_said_of_it(workspace: Workspace) -> None:
    fit = {"predicted": {"weights": 5 * GIB, "total": 9.6 * GIB}, "device": "cuda:0"}
    make_run(workspace, status="running", steps=10, cards=1, fit=fit)
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "9.8 of 12.0 GiB" in shown(app))
        assert "said" in shown(app)
        assert "9.6 GiB" in shown(app)
        assert "weights 5.0" in shown(app)


async def test_an_export_shows_its_course_and_result(workspace: Workspace) -> None:
    make_export(make_run(workspace), answer="I said no, [red]and[/red] \x07it took a week.")
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "q4_k_m  105 MB" in shown(app))
        await pilot.press("j")
        await wait_until(pilot, lambda: "convert to f16" in shown(app))
        screen = shown(app)
        assert "export q4_k_m of 3f2a finished" in screen
        assert "105 MB · 57 tokens/s" in screen
        assert "Why did you say no to the lead role?" in screen
        assert r"I said no, [red]and[/red] \x07it took a week." in screen


async def test_a_running_export_shows_how_far_it_is(workspace: Workspace) -> None:
    make_export(make_run(workspace), status="running")
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "└ ▶ q4_k_m" in shown(app))
        await pilot.press("j")
        await wait_until(pilot, lambda: "▶ quantise to q4_k_m" in shown(app))
        assert "64%" in shown(app)


async def test_at_80_columns_a_key_swaps_list_and_live_view(workspace: Workspace) -> None:
    make_run(workspace)
    async with opened_app(workspace, SMALL, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "smollm2-135m" in shown(app))
        assert "━ loss" not in shown(app)
        await pilot.press("tab")
        await wait_until(pilot, lambda: "━ loss" in shown(app))
        await pilot.press("w")
        await wait_until(pilot, lambda: "━ loss" not in shown(app))


async def test_a_running_run_is_in_front_at_80_columns(workspace: Workspace) -> None:
    make_run(workspace, status="running")
    async with opened_app(workspace, SMALL, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "━ loss" in shown(app))


async def test_the_log_can_be_larger(workspace: Workspace) -> None:
    make_run(workspace)
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "step 60/96" in shown(app))
        assert "step 40/96" not in shown(app)
        await pilot.press("l")
        await wait_until(pilot, lambda: "step 40/96" in shown(app))
        assert "━ loss" not in shown(app)
        await pilot.press("l")
        await wait_until(pilot, lambda: "━ loss" in shown(app))


@pytest.mark.parametrize(
    ("status", "offered", "hidden"),
    [
        ("running", {"stop", "kill"}, {"resume", "export"}),
        ("stopped", {"resume", "export"}, {"stop", "kill"}),
        ("finished", {"export"}, {"stop", "kill", "resume"}),
        # Without an adapter or a checkpoint there is nothing to export or to resume from.
        ("killed", set[str](), {"stop", "kill", "resume", "export"}),
        ("failed", set[str](), {"stop", "kill", "resume", "export"}),
    ],
)
async def test_only_what_can_be_done_is_offered(
    workspace: Workspace, status: str, offered: set[str], hidden: set[str]
) -> None:
    make_run(workspace, status=status)
    async with opened_app(workspace, stage="train") as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: screen.job is not None)
        assert all(screen.check_action(name, ()) for name in offered)
        assert not any(screen.check_action(name, ()) for name in hidden)
        await wait_until(pilot, lambda: "n new run" in shown(app))
        keys = shown(app).splitlines()[-1]
        for name, label in (("export", "e export"), ("resume", "r resume"), ("kill", "K kill")):
            assert (label in keys) == (name in offered)


@pytest.mark.parametrize(
    ("status", "key", "reason"),
    [
        ("killed", "r", "run 3f2a has no checkpoint to resume from"),
        ("killed", "e", "run 3f2a has left no adapter"),
        ("killed", "s", "run 3f2a is not running: it is killed"),
        ("finished", "r", "there is nothing to resume · n starts another run like it"),
        ("running", "e", "run 3f2a is running · s stops it"),
    ],
)
async def test_the_reason_is_said_where_a_key_can_do_nothing(
    workspace: Workspace, status: str, key: str, reason: str
) -> None:
    run = make_run(workspace, status=status)
    before = state(run).status
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).job is not None)
        await pilot.press(key)
        await wait_until(pilot, lambda: reason in shown(app))
        assert app.screen is app.stage
    assert state(run).status == before


async def test_a_run_on_another_host_is_running_there(workspace: Workspace) -> None:
    run = make_run(workspace, status="running")
    info = read_process(run)
    assert info is not None
    write_process(run, replace(info, host="nas-client", boot_id="another boot"))
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "run 3f2a running on nas-client, last heard" in shown(app))
        await pilot.press("r")
        await wait_until(pilot, lambda: "runs on nas-client · s stops it there" in shown(app))
        await pilot.press("s")
        await wait_until(pilot, lambda: "nas-client, where no signal reaches it" in shown(app))
        await wait_until(pilot, lambda: "run 3f2a stopping on nas-client" in shown(app))


async def test_a_damaged_checkpoint_offers_the_one_before(workspace: Workspace) -> None:
    run = make_run(workspace, status="stopped", steps=60)
    newer = make_checkpoint(run, 80)
    (newer / "optimizer.pt").write_bytes(b"")
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "r resumes it from step 60" in shown(app))


async def test_a_run_can_be_shown_by_its_id(workspace: Workspace) -> None:
    make_run(workspace, "20250615-100000-aaaa")
    make_run(workspace, "20250615-110000-bbbb")
    async with opened_app(workspace, stage="train") as (app, pilot):
        screen_of(app).show_run("20250615-100000-aaaa")
        await wait_until(pilot, lambda: "✓ run aaaa finished" in shown(app))


async def test_long_lines_of_the_log_wrap_on_a_key(workspace: Workspace) -> None:
    run = make_run(workspace)
    with (run / "stdout.log").open("a", encoding="utf-8") as output:
        output.write("a long line " * 30 + "with its END\n")
    async with opened_app(workspace, SMALL, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).job is not None)
        await pilot.press("tab")
        await wait_until(pilot, lambda: "a long line" in shown(app))
        assert "with its END" not in shown(app)
        await pilot.press("W")
        await wait_until(pilot, lambda: "with its END" in shown(app))
        await pilot.press("W")
        await wait_until(pilot, lambda: "with its END" not in shown(app))


# -- real jobs ----------------------------------------------------------------------------


def freeze_few(workspace: Workspace) -> None:
    """Freeze a dataset of a few examples."""
    source = workspace.store.add_source("vault", str(workspace.root / "notes"))
    made = examples(source.id, 10)
    workspace.store.record_scan(source.id, made, [], len(made), at=1.0)
    for example in made:
        workspace.store.append("approve", example.id, at=2.0)
    freeze(workspace, base=None, validation_fraction=0.2, seed=1, name="notes-1")


def start_job(workspace: Workspace, kind: str) -> Path:
    """Start a small real job in a run's directory."""
    run = workspace.runs_dir / "20250615-110000-3f2a"
    run.mkdir(parents=True)
    (run / "spec.toml").write_text('base = "tiny"\ndataset = "notes"\n', "utf-8")
    launch(run, "tests.support.jobs", [kind])
    return run


async def test_s_stops_a_job(workspace: Workspace) -> None:
    run = start_job(workspace, "wait")
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "run 3f2a running" in shown(app))
        await pilot.press("s")
        await wait_until(pilot, lambda: state(run).status == "stopped", seconds=60)
        await wait_until(pilot, lambda: "run 3f2a stopped" in shown(app))


@pytest.mark.parametrize(
    ("kind", "lost", "said"),
    [
        ("training", "all its steps are lost", "run 3f2a saves a checkpoint and stops"),
        ("loading", "nothing is lost", "run 3f2a stops before its first step"),
    ],
)
async def test_what_a_stop_saves_is_said_as_it_is(
    workspace: Workspace, kind: str, lost: str, said: str
) -> None:
    run = start_job(workspace, kind)
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: f"now: {kind}" in shown(app) or "step 1/20" in shown(app))
        await pilot.press("K")
        assert isinstance(app.screen, ConfirmDialog)
        await wait_until(pilot, lambda: lost in shown(app))
        await pilot.press("n", "s")
        await wait_until(pilot, lambda: said in shown(app))
        (run / "go").touch()
        await wait_until(pilot, lambda: state(run).status == "stopped", seconds=60)


async def test_k_kills_a_job_after_a_yes(workspace: Workspace) -> None:
    run = start_job(workspace, "wait")
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "run 3f2a running" in shown(app))
        await pilot.press("K")
        await wait_until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("n")
        await wait_until(pilot, lambda: app.screen is app.stage)
        assert state(run).active
        await pilot.press("K")
        await wait_until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await wait_until(pilot, lambda: state(run).status == "killed", seconds=60)
        await wait_until(pilot, lambda: "✗ run 3f2a killed" in shown(app))
        # The title line says the same, in another colour than that of a finished one.
        await wait_until(pilot, lambda: "✗ train 3f2a killed" in shown(app).splitlines()[0])
        assert app.job is not None
        assert job_style(app.job) == "$text-warning"


async def test_a_job_that_ends_while_it_is_watched_is_told(workspace: Workspace) -> None:
    run = start_job(workspace, "steps")
    async with opened_app(workspace, SMALL, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "step 1/20" in shown(app), seconds=60)
        (run / "go").touch()
        await wait_until(pilot, lambda: "✓ run 3f2a finished" in shown(app), seconds=60)
        assert "━ loss 1.000" in shown(app)


async def test_the_quantisation_that_is_usual_for_the_base_is_preselected(
    workspace: Workspace,
) -> None:
    make_run(workspace)
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).job is not None)
        await pilot.press("e")
        assert isinstance(app.screen, QuantDialog)
        dialog = app.screen
        await wait_until(pilot, lambda: dialog.rows.count > 10)
        await pilot.press("j", "enter")
        # The base is not on this machine, which is said with what to do about it.
        await wait_until(pilot, lambda: "not on this machine" in shown(app))


async def test_an_export_is_told_several_quantisations_and_more(workspace: Workspace) -> None:
    make_run(workspace)
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).job is not None)
        await pilot.press("e")
        dialog = app.screen
        assert isinstance(dialog, QuantDialog)
        await wait_until(pilot, lambda: dialog.rows.count > 10)
        first = dialog.quants
        await pilot.press("space", "j", "j", "space", "k", "i", "o")
        assert isinstance(app.screen, WishesDialog)
        await pilot.press(
            "tab", "tab", "right", "right", "tab", *"stops", "tab", "tab", *"a.env", "enter"
        )
        # A file without a key is named, and the form stays.
        await wait_until(pilot, lambda: "give both, or neither" in shown(app))
        await pilot.press("tab", *"MODEL", "enter")
        await wait_until(pilot, lambda: app.screen is dialog)
        for words in ("also  importance matrix · keeps merged · may fail: stops", "sets MODEL"):
            assert words in shown(app)
        assert dialog.quants[:1] == first
        assert len(dialog.quants) == 2
        options = dialog.wishes.options()
        assert (options.imatrix, options.keep, options.allow) == (True, "merged", ("stops",))
        assert [(str(one.file), one.key) for one in options.updates] == [("a.env", "MODEL")]
        await pilot.press("enter")
        # What is wrong is said by the engine before anything begins.
        await wait_until(pilot, lambda: "a.env can't be read" in shown(app))


async def test_an_export_takes_the_best_adapter_unless_told_otherwise(workspace: Workspace) -> None:
    run = make_run(workspace)
    with EventLog(run) as log:
        log.write("run_started", pid=1)
        for step, loss in ((0, 2.0), (60, 2.5), (90, 2.75)):
            log.write("eval", step=step, loss=loss, best=step == 60)
        log.write("run_finished", status="finished", result={})
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).job is not None)
        await pilot.press("e")
        assert isinstance(app.screen, QuantDialog)
        dialog = app.screen
        await wait_until(pilot, lambda: dialog.rows.count > 10)
        assert "! this run never beat its base: 2.500 at best (step 60)" in shown(app)
        assert "adapter  the best, of step 60" in shown(app)
        taken = [dialog.adapter]
        await pilot.press("a")
        assert "adapter  the last" in shown(app)
        assert [*taken, dialog.adapter] == ["best", "last"]


async def test_leaving_the_stage_stops_the_looking(workspace: Workspace) -> None:
    run = make_run(workspace, status="running", steps=3)
    async with opened_app(workspace, stage="train") as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: screen.job is not None)
        await pilot.press("1")
        await wait_until(pilot, lambda: app.stage is not screen)
        with EventLog(run) as log:
            log.write("step", step=50, total_steps=96, loss=2.0)
        assert screen.live.plot.curves[0].points[-1][0] == 3
        await pilot.press("4")
        await wait_until(pilot, lambda: screen.live.plot.curves[0].points[-1][0] == 50)
