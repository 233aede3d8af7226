"""What starting the app loads, in a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.paths import DATABASE_FILE
from engine.workspace import init_workspace
from tests.store.schemas.dump import restore
from tests.support.pty_app import Terminal

HEAVY = ("torch", "transformers", "datasets", "chromadb", "llama_cpp", "sentence_transformers",
         "peft", "trl", "httpx", "huggingface_hub", "tokenizers", "numpy", "gguf", "pynvml",
         "starlette", "uvicorn", "accelerate", "pyarrow", "sqlite_utils", "pandas")  # fmt: skip

VERBS = ("pydantic", "pydantic_core", "click", "yaml", "tomli_w")
"""What verbs and jobs need, and the app does not until Train is opened."""

LATE = ("textual.widgets._text_area", "engine.extract", "engine.dataset", "engine.train",
        "engine.serve", "engine.quality", "engine.store.takeover", "hashlib", "secrets",
        "logging.handlers", "tui.screens.train", "tui.screens.chat",
        "tui.screens.dataset")  # fmt: skip

MODULES = 110
"""How many modules the first screen needs beside those of a bare Textual app, at most."""


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a statement loads in an interpreter of its own."""
    code = f"{statement}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "statement",
    [
        "import tui.app, tui.screens.sources",
        "import tui.app, tui.screens.curate",
        "import tui.app, tui.screens.dataset",
        # What the bridge imports in a thread, to have the work done by a child.
        "import engine.sources, engine.extract.child, engine.sources.memory.token",
    ],
)
def test_the_app_loads_nothing_heavy(statement: str) -> None:
    assert {name for name in loaded_by(statement) if name.partition(".")[0] in HEAVY} == set()


def test_the_first_screen_waits_for_no_other() -> None:
    loaded = loaded_by("import tui.__main__, tui.app, tui.screens.sources")
    assert loaded & {*LATE, *VERBS} == set()
    bare = loaded_by(
        "import textual.app, textual.drivers.linux_driver; from textual.widgets import Static"
    )
    assert len(loaded - bare) <= MODULES


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["sourcs"]])
def test_what_needs_no_workspace_loads_no_store(arguments: list[str]) -> None:
    loaded = loaded_by(f"from engine.cli.main import main; main({arguments!r})")
    assert loaded.isdisjoint(("sqlite3", "engine.store", "textual", "pydantic"))


def test_a_bare_command_line_opens_the_app_without_click(tmp_path: Path) -> None:
    """A first start: the workspace is made, Sources and Curate are shown."""
    loaded = loaded_by_app(tmp_path, "Start here")
    assert loaded & {*HEAVY, *VERBS} == set()


def test_an_old_database_is_brought_up_to_date_elsewhere(tmp_path: Path) -> None:
    space = init_workspace(tmp_path / "space")
    restore(1, space / DATABASE_FILE)
    loaded = loaded_by_app(tmp_path, "notes", "--workspace", str(space))
    assert loaded & {*HEAVY, *VERBS} == set()
    assert list(space.glob("*.bak"))


def loaded_by_app(folder: Path, sources: str, *arguments: str) -> set[str]:
    """Open the app in a terminal, show Sources and Curate, leave; return what it had loaded."""
    told = folder / "modules.json"
    program = folder / "program.py"
    program.write_text(
        "import atexit, json, pathlib, runpy, sys\n"
        f"told = pathlib.Path({str(told)!r})\n"
        "atexit.register(lambda: told.write_text(json.dumps(sorted(sys.modules))))\n"
        f"sys.argv[1:] = {list(arguments)!r}\n"
        "runpy.run_module('tui', run_name='__main__')\n",
        "utf-8",
    )
    terminal = Terminal(sys.executable, str(program))
    try:
        terminal.until(sources)
        terminal.type("2")
        terminal.until("Queue")
        terminal.type("\x11")
        assert terminal.ended() == 0
    finally:
        terminal.close()
    return set(json.loads(told.read_text("utf-8")))
