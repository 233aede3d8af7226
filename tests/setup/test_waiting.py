"""Verbs and doctor, in an environment of their own where parts are lacking."""

from __future__ import annotations

import os
import subprocess
import time
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.setup import Place
from tests.setup.places import installing, put, put_parts

REPOSITORY = Path(__file__).resolve().parents[2]


class Bare:
    """An environment whose own packages are named there and come from the tests' one."""

    def __init__(self, root: Path) -> None:
        venv.create(root, symlinks=True)
        (site,) = root.glob("lib/*/site-packages")
        self.place = Place(folder=root / ".finetui", sites=(site,), elsewhere=())
        self.python = root / "bin" / "python"
        # Modules of the tests' environment without its metadata: imports work, and what is
        # installed is what this environment's folder says.
        modules = root / "modules"
        modules.mkdir()
        for path in Path(pytest.__file__).parents[1].iterdir():
            if not path.name.endswith((".dist-info", ".pth")):
                (modules / path.name).symlink_to(path)
        self.path = f"{REPOSITORY}{os.pathsep}{modules}"

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.python, "-m", "tui", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": self.path},
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        child = self.start(*words)
        out, err = child.communicate(timeout=120)
        return child.returncode, out, err


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare(tmp_path / "bare")


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_doctor_names_what_is_missing_and_the_command_that_installs_it(bare: Bare) -> None:
    put_parts(bare.place, "core", "torch")
    status, out, _ = bare.run("doctor")
    assert status == 1
    assert "✗ trl" in out
    assert "fix: finetui doctor --fix" in out
    assert "✓ torch" in out


def test_doctor_waits_for_nobody(bare: Bare) -> None:
    put_parts(bare.place, "core", "torch")
    with installing(bare.place, "training", "installing"):
        status, out, _ = bare.run("doctor")
    assert "· trl" in out
    assert "its turn will come" in out
    assert status == 0


def test_a_verb_that_lacks_a_part_says_how_to_get_it(bare: Bare, tmp_path: Path) -> None:
    put_parts(bare.place, "core")
    bare.run("init", str(tmp_path / "mine"))
    status, _, err = bare.run("dedup", "--workspace", str(tmp_path / "mine"))
    assert status == 1
    assert "near-duplicates needs PyTorch and the training libraries and the emb" in err
    assert "[dependency-missing]" in err
    assert "hint: install with: finetui doctor --fix" in err


def test_a_verb_waits_for_what_is_being_installed(bare: Bare, tmp_path: Path) -> None:
    put_parts(bare.place, "core", "training", "similarity")
    bare.run("init", str(tmp_path / "mine"))
    with installing(bare.place, "torch", "downloading", what="torch-2.13.0", total=527_000_000):
        # What does not need it does not wait.
        assert bare.run("examples", "list", "--workspace", str(tmp_path / "mine"))[0] == 0
        child = bare.start("dedup", "--workspace", str(tmp_path / "mine"))
        assert child.stderr is not None
        said = child.stderr.readline()
        assert said.startswith("waiting: the search for near-duplicates needs PyTorch")
        assert "downloading torch-2.13.0, 527 MB" in said
        assert child.poll() is None
        put(bare.place, "torch")
        out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    assert "there are no examples yet" in out
