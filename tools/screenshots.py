"""Make the README's screenshots, from a real run on the demo sources.

Usage: python -m tools.screenshots OUT [--keep DIR]

The demo's sources are copied to a home folder made for this, curated, trained on,
exported and asked, as `finetui demo --headless` does it; then the app is opened on
the result, driven by key, and each stage saved as SVG. With --keep the work is
done in DIR, and what is there already is used again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from textual.pilot import Pilot

from engine.curate import Curator
from engine.demo import data_dir
from engine.demo.bundle import prepare
from engine.models import Filter
from engine.paths import cache_dir
from engine.quality.child import check_apart
from engine.similarity.child import dedup_apart
from engine.workspace import init_workspace, open_workspace
from tui.actions import STAGES
from tui.app import FinetuiApp

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}
HALFWAY = 87
WAIT_SECONDS = 90.0


async def settled(pilot: Pilot[int], ready: Callable[[], bool], what: str) -> None:
    """Let the app work until something is there to be seen."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            sys.exit(f"no screenshot: never saw {what!r}")
        await pilot.pause(0.1)
    await pilot.pause(0.3)


@dataclass(frozen=True, slots=True)
class Picture:
    """A stage to be seen.

    Args:
        workspace: The workspace's folder.
        stage: The stage's name.
        first: A text that must be seen before the first key.
        keys: Keys to press, each with a text that must be seen before the next.
        name: What the files are called by; the stage's name where it is empty.
        after: Ends what the keys have begun.
    """

    workspace: Path
    stage: str
    first: str
    keys: tuple[tuple[str, str], ...] = ()
    name: str = ""
    after: Callable[[Path], object] = lambda _: None


async def shoot(picture: Picture, size: tuple[int, int]) -> str:
    """Open the app, go to the stage, press the keys, and return what is seen as SVG."""
    with open_workspace(picture.workspace) as opened:
        app = FinetuiApp(opened)
        async with app.run_test(size=size) as pilot:
            await settled(pilot, lambda: app.stage is not None, "the app")
            await pilot.press(str(STAGES.index(picture.stage) + 1))
            for key, text in (("", picture.first), *picture.keys):
                if key:
                    await pilot.press(key)
                await settled(pilot, partial(seen, app, text), text)
            return app.export_screenshot(title="finetui")


def seen(app: FinetuiApp, text: str) -> bool:
    """Return whether a text stands on the screen, or one of several with ``|`` between them."""
    strips = app.screen._compositor.render_strips()
    shown = "\n".join(strip.text for strip in strips)
    return any(one in shown for one in text.split("|"))


def halfway(home: Path, notes: Path) -> Path:
    """Return a workspace in which a person is in the middle of curating."""
    folder = init_workspace(home / "notes-twin")
    with open_workspace(folder) as workspace:
        prepare(workspace, data=notes)
        curator = Curator(workspace.store)
        cards = list(workspace.store.cards(Filter(states=("undecided",))))
        missing = HALFWAY - workspace.store.counts().approved
        for at, card in enumerate(cards[: max(0, missing) * 3 // 2]):
            if workspace.store.counts().approved >= HALFWAY:
                break
            (curator.reject if at % 3 == 2 else curator.approve)(card.example.id)
    check_apart(folder)
    dedup_apart(folder)
    return folder


def whole_loop(home: Path, notes: Path) -> Path:
    """Return a workspace in which the whole loop was run."""
    from engine.demo.loop import run_headless

    folder = home / "oda"
    if not list(folder.glob("runs/*/exports/f16/*.gguf")):
        run_headless(folder, say=print, data=notes)
    return folder


def pictures(home: Path, notes: Path) -> list[Picture]:
    """Do the work that the pictures show, and return them."""
    # The loop brings the base, whose tokens the checks count.
    trained = whole_loop(home, notes)
    curating = halfway(home, notes)
    served = (("S", "s starts one"), ("s", "takes native"), ("enter", "● serving"))
    asked = (("b", "· blind"), ("n", "· held out"), ("enter", "read on|both bad"))
    return [
        Picture(curating, "sources", "126 examples"),
        Picture(curating, "curate", "approved"),
        Picture(trained, "dataset", "nothing changed since"),
        Picture(trained, "train", "◆", (("w", "finished in"),)),
        Picture(trained, "chat", "both loaded", asked),
        Picture(trained, "chat", "both loaded", served, "serve", end_server),
    ]


def end_server(workspace: Path) -> None:
    """End the server that a picture's keys have started, and wait until it is gone."""
    from engine.gateway.spec import server_dir
    from engine.gateway.start import stop
    from engine.runs import wait_until_gone

    with open_workspace(workspace) as opened:
        stop(opened)
    wait_until_gone(server_dir(workspace))


def main() -> None:
    """Make the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--keep", type=Path, default=None)
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="finetui-"))
    home = (folder / "home").resolve()
    notes = home / "words"
    # The cache stays the person's own, so that the base is not imported again; the rest of
    # the home folder is made up, so that no path of theirs is in a picture.
    os.environ["XDG_CACHE_HOME"] = str(cache_dir().parent)
    os.environ["HOME"] = str(home)
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        os.environ.pop(variable, None)
    os.environ["FINETUI_SERVE_TOKEN"] = secrets.token_hex(16)  # one that is made would be shown
    if not notes.is_dir():
        shutil.copytree(data_dir(), notes)
    for picture in pictures(home, notes):
        for name, size in SIZES.items():
            svg = asyncio.run(shoot(picture, size))
            picture.after(picture.workspace)
            file = f"{picture.name or picture.stage}-{name}.svg"
            (out / file).write_text(svg, "utf-8")
            print(file, flush=True)
    if options.keep is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
