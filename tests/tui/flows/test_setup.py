"""finetui's own installation, as the app shows it while it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.setup import PARTS, setup_state
from engine.workspace import Workspace
from tests.setup.places import installing, make_place, put_parts
from tests.tui.support import LARGE, SMALL, opened_app, stage_name, text_of, wait_until
from tui.bridge.setup import SetupWatch
from tui.messages import SetupMoved

EVERYTHING = tuple(part.name for part in PARTS)


def setup_of(message: object) -> SetupMoved:
    assert isinstance(message, SetupMoved)
    return message


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_title_and_a_stage_say_what_is_being_installed(
    workspace: Workspace, tmp_path: Path, size: tuple[int, int]
) -> None:
    place = make_place(tmp_path)
    put_parts(place, "core")
    half = {"what": "torch-2.13.0", "done": 263_500_000, "total": 527_000_000}
    with installing(place, "torch", "downloading", **half):
        moved = setup_of(SetupWatch(place).look())
    async with opened_app(workspace, size) as (app, pilot):
        app.post_message(moved)
        await wait_until(pilot, lambda: "installing" in text_of(app.screen).splitlines()[0])
        if size == LARGE:
            assert "▶ installing PyTorch: downloading 50%" in text_of(app.screen).splitlines()[0]
        await pilot.press("4")
        await wait_until(pilot, lambda: stage_name(app) == "train")
        assert app.stage is not None
        said = app.stage.status_line
        await wait_until(pilot, lambda: "training needs PyTorch and the training" in said.text)
        assert "torch-2.13.0, 264 of 527 MB" in said.text
        assert "it goes on by itself" in said.text


async def test_the_title_is_free_once_everything_is_there(
    workspace: Workspace, tmp_path: Path
) -> None:
    place = make_place(tmp_path)
    put_parts(place, "core")
    async with opened_app(workspace) as (app, pilot):
        with installing(place, "llama", "building", done=7, total=100):
            app.post_message(SetupMoved(setup_state(place)))
        await wait_until(pilot, lambda: "llama.cpp: compiling 7%" in text_of(app.screen))
        put_parts(place, *EVERYTHING)
        app.post_message(SetupMoved(setup_state(place)))
        await wait_until(pilot, lambda: "everything is installed" in text_of(app.screen))
        assert "installing" not in text_of(app.screen).splitlines()[0]
        await pilot.press("4")
        await wait_until(pilot, lambda: stage_name(app) == "train")
        assert "needs" not in text_of(app.screen).splitlines()[-2]


async def test_what_could_not_be_installed_is_named(workspace: Workspace, tmp_path: Path) -> None:
    place = make_place(tmp_path)
    put_parts(place, "core")
    reason = "pip can't reach its package index"
    with installing(place, "", "looking", failed={"torch": {"reason": reason, "offline": True}}):
        pass
    async with opened_app(workspace) as (app, pilot):
        app.post_message(SetupMoved(setup_state(place)))
        await wait_until(pilot, lambda: "! PyTorch not installed: offline" in text_of(app.screen))
        await pilot.press("4")
        await wait_until(pilot, lambda: reason in text_of(app.screen))
        assert "finetui doctor --fix" in text_of(app.screen)


def test_the_watch_tells_only_of_what_changed(tmp_path: Path) -> None:
    place = make_place(tmp_path)
    put_parts(place, "core")
    watch = SetupWatch(place)
    with installing(place, "torch", "downloading", done=1_000_000, total=500_000_000):
        assert setup_of(watch.look()).setup.current is not None
        assert watch.look() is None
        # Some bytes more are no percent more.
        place.write("status", place.read("status") | {"done": 1_100_000})
        assert watch.look() is None
        place.write("status", place.read("status") | {"done": 6_000_000})
        assert setup_of(watch.look()).setup.of("torch").percent == 1
    assert not setup_of(watch.look()).setup.active
    put_parts(place, *EVERYTHING)
    assert setup_of(watch.look()).setup.ready
    assert watch.look() is None


def test_where_everything_is_there_nothing_is_told(tmp_path: Path) -> None:
    place = make_place(tmp_path)
    put_parts(place, *EVERYTHING)
    assert SetupWatch(place, go_on=True).look() is None
    assert not place.folder.exists()
