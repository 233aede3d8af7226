"""Every verb under conditions that nobody would choose ends with a name, or goes on.

No verb prints a traceback: it shows private text, and helps nobody.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest

from engine.cli.main import cli
from engine.dataset import freeze
from engine.paths import DATABASE_FILE
from engine.workspace import init_workspace, open_workspace
from tests.support.shared import made_once
from tests.tui.conftest import NOTES, make_example
from tests.tui.run_dirs import make_run

RUN = "20250614-090000-aa11"
WORDS: dict[str, list[str]] = {
    "init": ["SPACE/more"],
    "trust": ["SPACE"],
    "demo": ["--headless", "SPACE/finetui.toml/demo"],
    "sources add": ["NOTE"],
    "sources detect": ["NOTE"],
    "sources remove": ["/home/ana"],
    "sources set": ["/home/ana", "take=all"],
    "sources skipped": ["/home/ana/notes"],
    "examples search": ["boat"],
    "examples show": ["EXAMPLE"],
    "decide": ["EXAMPLE", "reject"],
    "edit": ["EXAMPLE", "--file", "TURNS"],
    "questions": ["--endpoint", "http://127.0.0.1:9/v1", "--model", "m"],
    "synthetic check": ["SPACE/none.toml"],
    "synthetic expand": ["--endpoint", "http://127.0.0.1:9/v1", "--model", "m"],
    "synthetic init": ["SPACE/datasets/mine.toml"],
    "check": ["--only", "secrets"],
    "dataset export": ["--format", "chat"],
    "dataset freeze": ["--no-near"],
    "dataset preview": ["EXAMPLE"],
    "redact": ["EXAMPLE"],
    "bases add": ["./nowhere"],
    "bases show": ["smollm2-135m-instruct"],
    "runs compare": [RUN, RUN],
    "runs follow": [RUN],
    "runs resume": [RUN],
    "runs show": [RUN],
    "runs stop": [RUN],
    "export": [RUN],
    "chat": [RUN, "What?"],
    "compare": [RUN, "--prompts", "NOTE"],
}
"""The words after each verb that takes some: enough to get to what can fail."""

HEAVY = frozenset({"dedup", "dataset leaks", "train", "runs resume", "export", "chat", "compare"})
"""Verbs that take long where nothing stops them: only where the database can't even be opened."""


def verbs() -> Iterator[str]:
    """Yield every verb, from the commands themselves."""

    def walk(command: click.Command, path: list[str]) -> Iterator[str]:
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                yield from walk(inner, [*path, name])
        else:
            yield " ".join(path)

    return walk(cli, [])


def command_of(verb: str) -> click.Command:
    command: click.Command = cli
    for name in verb.split():
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    return command


def words_of(verb: str) -> list[str]:
    """Return the words for a verb; one that is new is given a file wherever it needs a word."""
    words: list[str] = []
    for parameter in command_of(verb).params:
        if parameter.required:
            named = [] if isinstance(parameter, click.Argument) else [parameter.opts[0]]
            words += [*named, "NOTE"]
    return WORDS.get(verb, words)


def takes_workspace(verb: str) -> bool:
    return any(parameter.name == "workspace" for parameter in command_of(verb).params)


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a workspace that has a bit of everything; it is only read."""

    def make(folder: Path) -> None:
        with open_workspace(init_workspace(folder / "space")) as space:
            source = space.store.add_source("vault", "/home/ana/notes")
            made = [make_example(source.id, *note) for note in NOTES]
            space.store.record_scan(source.id, made, [], len(made), at=1.0)
            for example in made:
                space.store.append("approve", example.id, at=2.0)
            freeze(space, base=None, name="d1")
            make_run(space, RUN)
            (folder / "example").write_text(made[0].id)

    return made_once(tmp_path_factory, "hostile", make)


@pytest.fixture
def space(kept: Path, tmp_path: Path) -> Path:
    """Return a copy of that workspace, with a note and an edited text beside it."""
    shutil.copytree(kept / "space", tmp_path / "space")
    (tmp_path / "note.md").write_text("# Why\n\n#decision\n\n" + "I chose the smaller boat. " * 20)
    (tmp_path / "turns.txt").write_text("--- user ---\nWhy?\n--- assistant ---\nBecause.\n")
    return tmp_path / "space"


class Plan:
    """A condition: what is done to the process that runs the verbs, and to the workspace."""

    def __init__(self, space: Path, example: str, **given: Any) -> None:
        self._space = space
        self._example = example
        self._given: dict[str, Any] = {
            "environment": {},
            "limits": {},
            "nobody": False,
            "stdout": os.devnull,
            "encoding": "utf-8",
            **given,
        }

    def run(self, chosen: Iterator[str] | list[str], *, as_json: bool = False) -> list[Any]:
        """Run verbs, and return what each said."""
        places = {
            "SPACE": str(self._space),
            "NOTE": str(self._space.parent / "note.md"),
            "TURNS": str(self._space.parent / "turns.txt"),
            "EXAMPLE": self._example,
        }
        plan = {**self._given, "verbs": []}
        for verb in chosen:
            words = [*verb.split(), *words_of(verb)]
            for name, value in places.items():
                words = [word.replace(name, value) for word in words]
            if takes_workspace(verb):
                words += ["--workspace", str(self._space)]
            plan["verbs"].append([*words, "--json"] if as_json else words)
        file = self._space.parent / "plan.json"
        file.write_text(json.dumps(plan))
        file.chmod(0o644)
        done = subprocess.run(
            [sys.executable, "-m", "tests.hostile.driver", str(file)],
            cwd=self._space.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        found: list[Any] = json.loads(done.stdout)
        return found


def assert_named(found: list[Any]) -> None:
    """Each verb goes on, or ends with a name and the status 1."""
    for one in found:
        where = f"{' '.join(one['words'])}\n{one['stderr']}"
        assert "Traceback" not in one["stderr"], where
        assert "[unexpected]" not in one["stderr"], where
        # A path that the person named, and that can't be, is a mistake in the words.
        usage = (2,) if "[usage]" in one["stderr"] else ()
        assert one["status"] in (0, 1, *usage), where
        if one["status"] != 0 and one["words"][0] != "doctor":  # which says it on its output
            assert "finetui: " in one["stderr"], where


@pytest.fixture
def example(kept: Path) -> str:
    """Return the id of an example of the workspace."""
    return (kept / "example").read_text()


LIGHT = sorted(set(verbs()) - HEAVY)
ALL = sorted(set(verbs()))


def test_the_words_of_verbs_are_of_verbs_that_are_there() -> None:
    assert set(WORDS) | HEAVY <= set(ALL)


def test_another_process_writes_and_does_not_stop(space: Path, example: str) -> None:
    with closing(sqlite3.connect(space / DATABASE_FILE)) as other:
        other.execute("BEGIN EXCLUSIVE")
        found = Plan(space, example).run(LIGHT)
    assert_named(found)
    decided = next(one for one in found if one["words"][0] == "decide")
    assert decided["status"] == 1
    assert "[workspace-locked]" in decided["stderr"]


NIGHTLY = pytest.mark.nightly


@pytest.mark.parametrize(
    "name",
    ["runs", pytest.param("datasets", marks=NIGHTLY), pytest.param("exports", marks=NIGHTLY)],
)
def test_a_file_is_in_the_place_of_a_folder(space: Path, example: str, name: str) -> None:
    shutil.rmtree(space / name, ignore_errors=True)
    (space / name).write_text("not a folder")
    assert_named(Plan(space, example).run(LIGHT))
    assert (space / name).read_text() == "not a folder"


def test_nothing_may_be_read(space: Path, example: str) -> None:
    for path in space.parent.parents:
        if path.stat().st_uid == os.geteuid() and path != Path(path.anchor):
            path.chmod(path.stat().st_mode | 0o055)
        if path.name.startswith("pytest-of"):
            break
    space.parent.chmod(0o755)
    for path in (space, *space.iterdir()):
        path.chmod(0o700 if path.is_dir() else 0o600)
    assert_named(Plan(space, example, nobody=True).run(LIGHT))


@NIGHTLY
def test_the_database_and_the_folder_are_read_only(space: Path, example: str) -> None:
    for path in (space, *space.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for path in space.parents:
        if path.name.startswith("pytest-of"):
            break
        path.chmod(0o755)
    try:
        assert_named(Plan(space, example, nobody=True).run(LIGHT))
    finally:
        for path in (space, *space.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
@pytest.mark.parametrize(
    "as_json", [False, pytest.param(True, marks=NIGHTLY)], ids=["text", "json"]
)
def test_the_output_is_full(space: Path, example: str, as_json: bool) -> None:
    found = Plan(space, example, stdout="/dev/full").run(LIGHT, as_json=as_json)
    assert_named(found)
    listed = next(one for one in found if one["words"][:2] == ["sources", "list"])
    assert listed["status"] == 1
    assert "[output-lost]" in listed["stderr"]


@NIGHTLY
def test_the_output_has_no_marks(space: Path, example: str) -> None:
    found = Plan(space, example, encoding="ascii").run(LIGHT)
    assert_named(found)
    assert next(one for one in found if one["words"][0] == "doctor")["status"] == 0


@pytest.mark.parametrize(
    "environment",
    [
        {"TMPDIR": "/proc/nowhere", "TEMP": None, "TMP": None},
        {"HOME": "/dev/null/home", "XDG_CACHE_HOME": None, "XDG_STATE_HOME": None,
         "XDG_CONFIG_HOME": None, "XDG_DATA_HOME": None},
        {"HOME": None, "XDG_CACHE_HOME": None, "XDG_STATE_HOME": None,
         "XDG_CONFIG_HOME": None, "XDG_DATA_HOME": None},
    ],
    ids=["no temporary folder", "no home", "no HOME"],
)  # fmt: skip
@NIGHTLY
def test_a_folder_that_everybody_has_is_missing(
    space: Path, example: str, environment: dict[str, str | None]
) -> None:
    assert_named(Plan(space, example, environment=environment).run(LIGHT))


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"RLIMIT_FSIZE": 4096}, marks=NIGHTLY),
        {"RLIMIT_NOFILE": 12},
        pytest.param({"RLIMIT_NOFILE": 6}, marks=NIGHTLY),
    ],
    ids=["files may not grow", "few files", "hardly a file"],
)
def test_a_limit_is_reached(space: Path, example: str, limits: dict[str, int]) -> None:
    assert_named(Plan(space, example, limits=limits).run(LIGHT))


@NIGHTLY
def test_the_database_is_none(space: Path, example: str) -> None:
    (space / DATABASE_FILE).write_bytes(b"not a database at all" * 500)
    assert_named(Plan(space, example).run(ALL))


@NIGHTLY
def test_the_database_is_a_folder(space: Path, example: str) -> None:
    (space / DATABASE_FILE).unlink()
    (space / DATABASE_FILE).mkdir()
    assert_named(Plan(space, example).run(ALL))
