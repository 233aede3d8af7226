"""Title, status and keys for any width."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from engine.models import Source
from tests.tui.support import text_of
from tui.messages import Job, Progressed, Scan, Server
from tui.widgets.frame import (
    CheatLine,
    StatusLine,
    Title,
    TitleLine,
    job_style,
    job_words,
    progress_words,
    scan_words,
    server_words,
)

STAGES = (("1", "Sources"), ("2", "Curate"), ("3", "Dataset"), ("4", "Train"), ("5", "Chat"))
RUNNING = Job("train run-3", "running", 11, 18, 160.0, "train")
SCANNING = Scan(Source("b2-1", "vault", "/home/ana/notes", 0.0), "notes", 42, 2)


class Host(App[None]):
    """The three lines and nothing else."""

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield StatusLine()
        yield CheatLine()


@pytest.mark.parametrize("width", range(60))
def test_a_job_takes_no_more_than_its_room(width: int) -> None:
    assert cell_len(job_words(RUNNING, width)) <= width


def test_a_job_says_what_how_far_and_how_long() -> None:
    assert job_words(RUNNING, 80) == "▶ train run-3 · train · 11/18 · 2:40 left"
    assert job_words(RUNNING, 6) == "▶ 61%"


def test_an_export_says_its_share() -> None:
    export = Job("export q4_k_m of 3f2a", "running", 475, 1000, None, "quantise to q4_k_m")
    assert job_words(export, 80) == "▶ export q4_k_m of 3f2a · quantise to q4_k_m · 47%"


@pytest.mark.parametrize("status", ["stopped", "killed", "failed", "died"])
def test_only_a_finished_job_looks_finished(status: str) -> None:
    def look(status: str) -> tuple[str, str]:
        job = Job("train 3f2a", status)
        return job_words(job, 2), job_style(job)

    assert look("finished") == ("✓", "$text-success")
    sign, style = look(status)
    assert sign != "✓"
    assert style not in ("$text-success", "$text-accent")


@pytest.mark.parametrize("width", range(60))
def test_a_scan_takes_no_more_than_its_room(width: int) -> None:
    assert cell_len(scan_words(SCANNING, width)) <= width


def test_a_scan_says_what_and_how_far() -> None:
    assert scan_words(SCANNING, 60) == "▶ scan notes 42% · 2 more wait"
    assert scan_words(SCANNING, 12) == "▶ scan 42%"
    assert scan_words(replace(SCANNING, percent=None, waiting=0), 60) == "▶ scan notes …"


SERVING = Server("brief:q4_k_m", "serving", 3, "http://127.0.0.1:8080")


@pytest.mark.parametrize("width", range(60))
@pytest.mark.parametrize("requests", [0, 1, 1200])
def test_a_server_takes_no_more_than_its_room(width: int, requests: int) -> None:
    assert cell_len(server_words(replace(SERVING, requests=requests), width)) <= width


def test_a_server_says_its_model_and_its_requests() -> None:
    assert server_words(SERVING, 60) == "● serve brief:q4_k_m · 3 requests"
    assert server_words(replace(SERVING, requests=0), 60) == "● serve brief:q4_k_m"
    assert server_words(SERVING, 20) == "● brief:q4_k_m · 3"
    assert server_words(SERVING, 5) == "● 3"
    assert server_words(replace(SERVING, model=""), 60) == "● 3"


@pytest.mark.parametrize("phase", ["starting", "switching", "restarting", "idle", "lent"])
def test_a_server_that_does_not_answer_looks_different(phase: str) -> None:
    sign = server_words(replace(SERVING, phase=phase, requests=0), 1)
    assert sign
    assert sign != "●"


@pytest.mark.parametrize("width", [80, 100, 160])
async def test_job_and_server_stand_beside_each_other(width: int) -> None:
    app = Host()
    async with app.run_test(size=(width, 16)) as pilot:
        app.query_one(TitleLine).show(Title("notes", STAGES, 4, RUNNING, server=SERVING))
        await pilot.pause()
        line = text_of(app.query_one(TitleLine))
        assert line.index("●") < line.index("▶")
        assert "● 3" in line or "brief:q4_k_m" in line
        assert "5 Chat" in line


def test_progress_in_bytes_and_in_things() -> None:
    assert progress_words(Progressed("reading", 1_000_000, 4_000_000, True)) == (
        "reading: 25% of 4 MB"
    )
    assert progress_words(Progressed("checking", 3, 7)) == "checking: 3 of 7"
    assert progress_words(Progressed("reading", 2_000, 0, True)) == "reading: 2 kB"


@pytest.mark.parametrize("width", [60, 80, 160])
async def test_a_job_and_a_scan_share_the_title_line(width: int) -> None:
    app = Host()
    async with app.run_test(size=(width, 10)) as pilot:
        line = app.query_one(TitleLine)
        line.show(Title("a-workspace-with-a-long-name", STAGES, 3, RUNNING, SCANNING))
        await pilot.pause()
        shown = text_of(line)
        assert cell_len(shown) <= width
        assert shown.count("▶") == (1 if width == 60 else 2)
        if width > 60:
            assert "42%" in shown


def test_a_job_that_ended_says_so() -> None:
    assert job_words(Job("train run-3", "finished"), 40) == "✓ train run-3 finished"
    assert job_words(Job("export q8_0", "failed"), 40) == "✗ export q8_0 failed"


@pytest.mark.parametrize("width", [60, 80, 160])
async def test_the_title_line_fits(width: int) -> None:
    app = Host()
    async with app.run_test(size=(width, 10)) as pilot:
        line = app.query_one(TitleLine)
        line.show(Title("a-workspace-with-a-long-name", STAGES, 3, RUNNING))
        await pilot.pause()
        shown = text_of(line)
        assert cell_len(shown) <= width
        for key, name in STAGES:
            assert f"{key} {name}" in shown
        assert "▶" in shown


async def test_the_same_again_repaints_nothing() -> None:
    app = Host()
    async with app.run_test(size=(80, 10)) as pilot:
        title, status = app.query_one(TitleLine), app.query_one(StatusLine)
        cheat = app.query_one(CheatLine)
        title.show(Title("w", STAGES, 0))
        status.say("done", kind="done")
        cheat.show([("a", "add")])
        await pilot.pause()
        painted: list[object] = []
        for line in (title, status, cheat):
            line.refresh = lambda *args, line=line, **kwargs: painted.append(line)  # type: ignore
        title.show(Title("w", STAGES, 0))
        status.say("done", kind="done")
        cheat.show([("a", "add")])
        assert painted == []


async def test_an_error_may_take_three_lines_and_the_rest_one() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        status = app.query_one(StatusLine)
        status.say("word " * 30, kind="done")
        await pilot.pause()
        assert status.size.height == 1
        assert text_of(status).endswith("…")
        status.say("word " * 30, hint="a hint", kind="error")
        await pilot.pause()
        assert status.size.height == 3
        status.say("fine")
        await pilot.pause()
        assert status.size.height == 1


async def test_the_help_key_is_always_on_the_cheat_line() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        cheat = app.query_one(CheatLine)
        cheat.show([*[(str(n), "a longer label") for n in range(9)], ("?", "keys")])
        await pilot.pause()
        shown = text_of(cheat)
        assert shown.endswith("? keys")
        assert "0 a longer label" in shown
        assert "8 a longer label" not in shown
